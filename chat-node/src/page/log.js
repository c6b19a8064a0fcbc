// The lines of a room: messages in the order of their numbers, each once, and what happened. Every room has a log of
// its own, which goes on while another one is shown.

import { content } from "./content.js";
import { byId, count, make } from "./dom.js";
import { IDS_REMEMBERED_MAX, LINES_SHOWN_MAX } from "./limits.js";
import { hue, initial, visible } from "./names.js";

/** Messages of one person this close together share a head. */
const TOGETHER_MS = 5 * 60_000;
/** This near to the end, in pixels, new lines scroll into view by themselves. */
const NEAR_END = 60;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

const place = byId("log");
const scroller = byId("log-scroll");
const jump = byId("jump");
/** The log that is shown. */
let shown = null;

scroller.addEventListener("scroll", () => shown?.scrolled(), { passive: true });
jump.addEventListener("click", () => {
  shown?.scrollToEnd();
  byId("text").focus();
});
// A keyboard that opens, or a box that grows, does not hide the last line.
new ResizeObserver(() => shown?.keepEnd()).observe(scroller);

export class Log {
  #list = make("ol", { class: "log" });
  #ids = new Set();
  #isQuiet = true;
  #isAtEnd = true;
  #top = 0;
  #unseen = 0;
  #newLine = null;

  /** Shows it, where the new begins if there is something new, and otherwise where it was left. */
  show({ hasNew }) {
    shown = this;
    // What was said before is not read aloud.
    place.setAttribute("aria-live", "off");
    place.replaceChildren(this.#list);
    this.#showJump();
    if (hasNew && this.#newLine?.isConnected) {
      this.#newLine.scrollIntoView({ block: "center" });
      this.#isAtEnd = false;
      this.scrolled();
    } else if (this.#isAtEnd) this.scrollToEnd();
    else scroller.scrollTop = this.#top;
    afterDrawing(() => shown === this && this.setQuiet(this.#isQuiet));
  }

  hide() {
    if (shown !== this) return;
    shown = null;
    place.replaceChildren();
    jump.hidden = true;
  }

  /** While a history comes in, nothing is read aloud. */
  setQuiet(isQuiet) {
    this.#isQuiet = isQuiet;
    if (shown === this) place.setAttribute("aria-live", isQuiet ? "off" : "polite");
  }

  /** The history is complete: what comes from now on is read aloud. */
  historyEnded() {
    this.follow();
    // What was drawn before is not.
    afterDrawing(() => this.setQuiet(false));
  }

  /** Puts a message in its place; says whether it was new. */
  addMessage(message, isOwn) {
    if (this.#ids.has(message.message_id)) return false;
    this.#ids.add(message.message_id);
    if (this.#ids.size > IDS_REMEMBERED_MAX) this.#ids.delete(this.#ids.values().next().value);
    const line = messageLine(message, isOwn);
    const next = this.#messageAfter(message.sequence_number);
    if (next) next.before(line);
    else this.#list.append(line);
    arrange(line);
    arrange(followingMessage(line));
    this.#added(!isOwn);
    return true;
  }

  /** A line about what happened; the parts are text, or elements made here. */
  addEvent(...parts) {
    this.#list.append(make("li", { class: "event" }, ...parts));
    this.#added(false);
  }

  /** A line above the message with this number, or at the end. */
  addDivider(number, text) {
    const divider = make("li", { class: "divider", text });
    const line = this.#list.querySelector(`.message[data-number="${number}"]`);
    if (line) line.before(divider);
    else this.#list.append(divider);
    arrange(line);
    this.#added(false);
    return divider;
  }

  /** What nobody has seen begins at the message with this number. The line stays until something else is new. */
  markNew(number) {
    const before = this.#newLine;
    this.#newLine = this.addDivider(number, "New");
    if (!before) return;
    const after = followingMessage(before);
    before.remove();
    arrange(after);
  }

  scrollToEnd() {
    this.#isAtEnd = true;
    this.#unseen = 0;
    if (shown !== this) return;
    jump.hidden = true;
    scroller.scrollTop = scroller.scrollHeight;
    this.#top = scroller.scrollTop;
  }

  /** After a line was added below the log. */
  follow() {
    requestAnimationFrame(() => this.keepEnd());
  }

  /** Who reads at the end stays there. */
  keepEnd() {
    if (shown === this && this.#isAtEnd) this.scrollToEnd();
  }

  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = scroller;
    // The event may be about a place that was the end, before more lines came: only who goes up leaves it.
    if (scrollTop < this.#top) this.#isAtEnd = false;
    this.#top = scrollTop;
    if (scrollHeight - scrollTop - clientHeight < NEAR_END) {
      this.#isAtEnd = true;
      this.#unseen = 0;
      jump.hidden = true;
    }
  }

  #added(isCounted) {
    while (this.#list.childElementCount > LINES_SHOWN_MAX) this.#list.firstElementChild.remove();
    if (this.#isAtEnd) this.follow();
    else if (isCounted) {
      this.#unseen += 1;
      if (shown === this) this.#showJump();
    }
  }

  #showJump() {
    jump.hidden = this.#unseen === 0;
    jump.textContent = `${count(this.#unseen, "new message")} ↓`;
  }

  #messageAfter(number) {
    let next = null;
    for (let line = this.#list.lastElementChild; line; line = line.previousElementSibling) {
      if (!line.dataset.number) continue;
      if (Number(line.dataset.number) <= number) break;
      next = line;
    }
    return next;
  }
}

function afterDrawing(action) {
  requestAnimationFrame(() => requestAnimationFrame(action));
}

function messageLine(message, isOwn) {
  const { username, content: text, sequence_number: number, timestamp } = message;
  const time = new Date(timestamp);
  const isDate = !Number.isNaN(time.getTime());
  const head = make(
    "p",
    { class: "head" },
    make("bdi", { class: "author", text: isOwn ? "You" : visible(username) }),
    " ",
    make("time", {
      datetime: isDate ? time.toISOString() : null,
      title: isDate ? full.format(time) : null,
      text: isDate ? clock.format(time) : "",
    }),
  );
  const line = make(
    "li",
    { class: "message", "data-number": number, "data-own": isOwn ? "" : null },
    make("span", { class: `face hue-${hue(username)}`, "aria-hidden": "true", text: initial(username) }),
    make("div", { class: "bubble" }, head, make("div", { class: "content", dir: "auto" }, ...content(text))),
    make("span", { class: "number", text: `#${number}` }),
  );
  line.author = username;
  line.time = isDate ? time : null;
  return line;
}

function followingMessage(line) {
  const next = line.nextElementSibling;
  return next?.classList.contains("message") ? next : null;
}

/** Gives a message its head and its day, or shares those of the one before. */
function arrange(line) {
  if (!line) return;
  let before = line.previousElementSibling;
  const isDirect = before?.classList.contains("message") ?? false;
  while (before && !before.classList.contains("message")) before = before.previousElementSibling;
  const isSameDay = !line.time || (before?.time && before.time.toDateString() === line.time.toDateString());
  if (isSameDay) delete line.dataset.day;
  else line.dataset.day = calendar.format(line.time);
  const isTogether =
    isDirect && isSameDay && before.author === line.author && line.time && line.time - before.time < TOGETHER_MS;
  line.classList.toggle("continued", Boolean(isTogether));
}
