// A room that one is in: joining, its history, its members, whether its node answers. It goes on while another one is
// shown.

import { announce, byId, count } from "./dom.js";
import { Log } from "./log.js";
import { showMembers } from "./members.js";
import { bdi, visible } from "./names.js";
import { Outbox } from "./outbox.js";

/** Looks at the list of rooms that must miss a room, or count its members differently, to believe it. */
const LOOKS_TO_BELIEVE = 2;

/** Why somebody went, as the node says it and as a person would. */
const REASONS = {
  "User disconnected": "connection lost",
  "Node unreachable": "their node does not answer",
  Inactivity: "silent for too long",
};

export class Room {
  /**
   * `joining`: asked, not answered · `joined` · `checking`: not found, the list will tell why ·
   * `away`: its node does not answer · `removed`: not a member any more, and told so.
   */
  stage = "joining";
  name = "";
  admin = "";
  creator = "";
  description = "";
  members = new Set();
  log = new Log();
  outbox;
  /** Messages that came while nobody looked. */
  unread = 0;
  #isShown = false;
  #lastNumber;
  /** Whether one was here before, so that what is said meanwhile is new. */
  #isKnown;
  #firstUnread = 0;
  #history = null;
  #missing = 0;
  #differing = 0;
  #chat;

  /**
   * `chat`: `{ connection, userName(), isSeen(room), onRetry(room, item), onEdit(text), onGone(room, text),
   * onRefused(room, text), look() }`; `seen`: the number of the last message that was seen before the page was loaded.
   */
  constructor(id, chat, seen = null) {
    this.id = id;
    this.#chat = chat;
    this.#lastNumber = seen ?? 0;
    this.#isKnown = seen !== null;
    this.outbox = new Outbox({ onRetry: (item) => chat.onRetry(this, item), onEdit: chat.onEdit });
  }

  /** Shows it in the place of all rooms. */
  show() {
    this.#isShown = true;
    this.log.show({ hasNew: this.unread > 0 });
    this.outbox.show();
    this.#draw();
  }

  hide() {
    this.#isShown = false;
    this.log.hide();
    this.outbox.hide();
  }

  /** Somebody looks: nothing is new any more. */
  see() {
    this.unread = this.#firstUnread = 0;
  }

  /** The number of the last message that was seen. */
  get seen() {
    return this.#firstUnread ? this.#firstUnread - 1 : this.#lastNumber;
  }

  /** Takes what a list of rooms says of it. */
  describe({ room_name: name, admin_node: admin, creator_id: creator, description }) {
    Object.assign(this, { name: visible(name), admin, description: description ?? "", creator: creator ?? this.creator });
    this.#draw();
  }

  /** Joins, also again: the node then only sends the history once more. */
  join() {
    const { connection, userName } = this.#chat;
    this.stage = "joining";
    if (!connection.request("join_room", { room_id: this.id, username: userName() }, this)) return;
    // What an interrupted history brought still counts as its part.
    this.#history = { ...(this.#history ?? { isFirst: !this.#isKnown, before: this.#lastNumber, first: 0, fresh: 0 }) };
    this.log.setQuiet(true);
    // The history has no end mark, but answers come in order: when this one is there, the history is.
    connection.request("list_rooms", {}, { room: this, history: this.#history });
  }

  leave() {
    const data = { room_id: this.id, username: this.#chat.userName() };
    this.#chat.connection.request("leave_room", data);
  }

  joined(data) {
    const isFirst = this.#isShown && !this.#lastNumber && this.members.size === 0;
    this.stage = "joined";
    this.#missing = this.#differing = 0;
    this.members = new Set(data.members);
    this.describe({ ...data, creator_id: undefined });
    if (isFirst) announce(`You are in ${this.name}, with ${count(this.members.size - 1, "other")}.`);
  }

  refused({ error, error_code: code }) {
    if (code === "ROOM_NOT_FOUND") {
      // Also said when its node is down: the list of rooms tells one from the other.
      this.stage = "checking";
      this.#chat.look();
    } else if (code === "ADMIN_NODE_UNAVAILABLE") {
      this.#setAway();
      this.#chat.look();
    } else {
      this.#chat.onRefused(this, `You cannot join${this.name ? ` “${this.name}”` : ""}: ${error}.`);
    }
  }

  /** A message of this room. */
  message(message) {
    const isOwn = message.username === this.#chat.userName();
    const number = message.sequence_number;
    if (!this.log.addMessage(message, isOwn)) return;
    if (isOwn) this.outbox.arrived(message.content);
    const isFresh = number > (this.#history?.before ?? 0);
    if (this.#history && isFresh) {
      this.#history.first = Math.min(this.#history.first || number, number);
      this.#history.fresh += 1;
    }
    this.#lastNumber = Math.max(this.#lastNumber, number);
    // What was said before one came is not new.
    const isNew = isFresh && !this.#history?.isFirst;
    if (isOwn || !isNew || this.#chat.isSeen(this)) return;
    // What an interrupted connection missed gets a line of its own.
    if (!this.unread && !this.#history) this.log.markNew(number);
    this.#firstUnread ||= number;
    this.unread += 1;
  }

  /** The history is complete. */
  historyEnded(history) {
    if (history !== this.#history || this.stage !== "joined") return;
    const { isFirst, before, first, fresh } = history;
    this.#history = null;
    this.#isKnown = true;
    const lost = first - before - 1;
    if (first && !isFirst) {
      const kept = lost > 0 ? `; ${count(lost, "older one")} the room keeps no more` : "";
      const text = `${count(fresh, "message")} while you were away${kept}`;
      this.log.addDivider(first, text);
      if (this.#isShown) announce(text);
    } else if (first > 1) {
      this.log.addDivider(first, "The room keeps no older messages");
    }
    this.outbox.failDoubtful();
    this.log.historyEnded();
  }

  memberJoined({ username }) {
    if (this.members.has(username)) return;
    this.members.add(username);
    this.log.addEvent(bdi(username), " joined");
    this.#drawMembers();
  }

  memberLeft({ username, reason }) {
    const why = REASONS[reason] ?? reason;
    if (username === this.#chat.userName()) {
      // The connection that broke was an earlier one of this page: this one is still here.
      if (reason === "User disconnected" || reason === "Node unreachable") this.join();
      else this.#remove(why);
      return;
    }
    if (!this.members.delete(username)) return;
    this.log.addEvent(bdi(username), why ? ` left: ${why}` : " left");
    this.#drawMembers();
  }

  /** Compares with a new list of rooms, and with the nodes that did not answer it. */
  judge(listed, unavailable) {
    if (this.stage === "joining") return;
    if (listed) {
      this.#missing = 0;
      this.describe(listed);
      if (this.stage === "checking") this.#setAway();
      else if (this.stage === "away") this.join();
      else if (this.stage === "joined") this.#compareMembers(listed.member_count);
    } else if (unavailable.includes(this.admin)) {
      this.#setAway();
    } else if (this.stage === "checking" || this.stage === "away" || ++this.#missing >= LOOKS_TO_BELIEVE) {
      this.#chat.onGone(this, this.#gone(unavailable));
    }
  }

  #draw() {
    if (!this.#isShown) return;
    byId("room-name").textContent = this.name || "…";
    byId("room-name").title = this.name;
    byId("room-place").textContent = this.admin ? `on ${this.admin}` : "joining…";
    byId("description").textContent = this.description;
    byId("fact-node").textContent = this.admin;
    byId("fact-creator").textContent = this.creator || "unknown";
    byId("delete").hidden = this.creator !== this.#chat.userName();
    const banner = { away: this.#awayText(), removed: this.removedText }[this.stage];
    byId("room-banner").hidden = !banner;
    byId("room-banner-text").textContent = banner ?? "";
    byId("join-again").hidden = this.stage !== "removed";
    this.#drawMembers();
  }

  #drawMembers() {
    if (this.#isShown) showMembers(this.members, this.#chat.userName());
  }

  /** An event may have been lost: joining again brings the true list, and changes nothing else. */
  #compareMembers(number) {
    this.#differing = number === this.members.size ? 0 : this.#differing + 1;
    if (this.#differing < LOOKS_TO_BELIEVE) return;
    this.#differing = 0;
    this.join();
  }

  #remove(why) {
    this.stage = "removed";
    this.removedText = `You are no longer in this room${why ? ` (${why})` : ""}. Join again to write.`;
    this.members.delete(this.#chat.userName());
    if (this.#isShown) announce(this.removedText);
    this.#draw();
  }

  #setAway() {
    if (this.stage === "away") return;
    this.stage = "away";
    if (this.#isShown) announce(this.#awayText());
    this.#draw();
  }

  #awayText() {
    const node = this.admin || "The node of this room";
    return `${node}, where this room lives, does not answer. You can read; writing works again when it is back.`;
  }

  #gone(unavailable) {
    const name = this.name ? `The room “${this.name}”` : "That room";
    if (!this.admin && unavailable.length) {
      return `${name} is not there now. Perhaps it lives on ${unavailable.join(" or ")}, which does not answer.`;
    }
    return this.admin ? `${name} is gone: ${this.admin} does not have it any more.` : `${name} does not exist any more.`;
  }
}
