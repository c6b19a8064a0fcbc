// The list of rooms, those of all nodes together, under the node that hosts them.

import { byId, count, make } from "./dom.js";
import { ROOMS_SHOWN_MAX } from "./limits.js";
import { visible } from "./names.js";

/** From this many rooms on, there is a field to find one. */
const FILTER_FROM = 10;

export class Rooms {
  #box = byId("rooms");
  #filter = byId("filter");
  #onChoose;
  #shown = "";
  #currentId = "";
  #last = null;
  /** The place of each room in the list, by its id. */
  #places = new Map();

  constructor({ onChoose }) {
    this.#onChoose = onChoose;
    this.#filter.addEventListener("input", () => this.#last && this.show(this.#last));
  }

  /**
   * `lists`: `[{ node, isSelf, isAvailable, isRefusing, rooms }]`; `currentId`: the room that is shown; `unread`: how
   * many messages nobody here has seen, by the id of each room that one is in.
   */
  show(view) {
    this.#last = view;
    const total = view.lists.reduce((sum, { rooms }) => sum + rooms.length, 0);
    byId("filter-box").hidden = total < FILTER_FROM && !this.#filter.value;
    const key = JSON.stringify([view, [...view.unread], this.#filter.value]);
    // Drawing anew would take the focus away, and have screen readers start over.
    if (key === this.#shown) return;
    this.#shown = key;
    const focused = this.#box.contains(document.activeElement) ? document.activeElement.dataset.room : null;
    const wanted = this.#filter.value.trim().toLocaleLowerCase();
    const budget = { left: ROOMS_SHOWN_MAX };
    const sections = view.lists.map((list, index) => this.#section(list, index, view, wanted, budget));
    this.#box.replaceChildren(...sections.filter(Boolean));
    if (!this.#box.childElementCount) this.#box.append(nothing(wanted));
    if (budget.left < 0) {
      this.#box.append(make("p", { class: "hint", text: `${count(-budget.left, "more room")}: find them by name.` }));
    }
    if (focused) this.#box.querySelector(`[data-room="${CSS.escape(focused)}"]`)?.focus();
    if (view.currentId !== this.#currentId) this.#box.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
    this.#currentId = view.currentId;
  }

  /** Where something is new comes first, then where one is in, then where most are; no row moves away from a pointer. */
  #sorted(rooms, unread) {
    const rank = ({ room_id: id }) => (unread.get(id) > 0 ? 0 : unread.has(id) ? 1 : 2);
    const isHeld = this.#box.matches(":hover, :focus-within");
    const place = ({ room_id: id }) => (isHeld ? (this.#places.get(id) ?? Infinity) : 0);
    const sorted = rooms.toSorted((a, b) =>
      Math.sign(place(a) - place(b)) || rank(a) - rank(b) || b.member_count - a.member_count ||
      a.room_name.localeCompare(b.room_name, undefined, { numeric: true }),
    );
    sorted.forEach(({ room_id: id }, index) => this.#places.set(id, index));
    return sorted;
  }

  #section({ node, isSelf, isAvailable, isRefusing, rooms }, index, { currentId, unread }, wanted, budget) {
    const found = this.#sorted(rooms, unread).filter(({ room_name: name, description }) =>
      `${name}\n${description ?? ""}`.toLocaleLowerCase().includes(wanted),
    );
    if (!found.length) return null;
    const title = `node-title-${index}`;
    const list = make("ul", { "aria-labelledby": title });
    for (const room of found) {
      budget.left -= 1;
      const id = room.room_id;
      if (budget.left >= 0) list.append(this.#row(room, isAvailable || unread.has(id), id === currentId, unread.get(id)));
    }
    const heading = make("h3", { id: title }, make("bdi", { text: node }));
    if (isSelf) heading.append(make("span", { class: "hint", text: " · this node" }));
    const section = make("section", { class: isAvailable ? "node-rooms" : "node-rooms away" }, heading);
    const reason = isRefusing ? "Refuses this node, and says why in its log." : "Does not answer. Its rooms come back with it.";
    if (!isAvailable) section.append(make("p", { class: "hint", text: reason }));
    section.append(list);
    return section;
  }

  /** `unread` is undefined for a room that one is not in. */
  #row(room, isOpen, isCurrent, unread) {
    const marks = make("span", { class: "room-row-marks" });
    if (unread) {
      const number = make("span", { class: "unread", text: unread.toLocaleString("en") });
      number.append(make("span", { class: "for-readers", text: " not read" }));
      marks.append(number);
    }
    marks.append(make("span", { class: "room-row-members", text: count(room.member_count, "member") }));
    const button = make(
      "button",
      {
        type: "button",
        class: "room-row",
        "data-room": room.room_id,
        "aria-current": isCurrent ? "true" : null,
        "data-joined": unread === undefined ? null : "",
        disabled: isOpen ? null : "",
      },
      make("span", { class: "room-row-name", dir: "auto", text: visible(room.room_name) }),
      marks,
    );
    if (room.description) {
      button.append(make("span", { class: "room-row-description", dir: "auto", text: room.description }));
    }
    button.addEventListener("click", () => this.#onChoose(room.room_id));
    return make("li", {}, button);
  }
}

function nothing(wanted) {
  const text = wanted ? "No room has that in its name or description." : "There are no rooms yet. Open the first one.";
  return make("p", { class: "hint", text });
}
