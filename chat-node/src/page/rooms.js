// The list of rooms, those of all nodes together, under the node that hosts them.

import { byId, count, make, visible } from "./dom.js";
import { ROOMS_SHOWN_MAX } from "./limits.js";

/** From this many rooms on, there is a field to find one. */
const FILTER_FROM = 10;

export class Rooms {
  #box = byId("rooms");
  #filter = byId("filter");
  #onChoose;
  #shown = "";
  #last = null;

  constructor({ onChoose }) {
    this.#onChoose = onChoose;
    this.#filter.addEventListener("input", () => this.#last && this.show(this.#last));
  }

  /** `lists`: `[{ node, isSelf, isAvailable, isRefusing, rooms }]`; `currentId`: the room one is in. */
  show(view) {
    this.#last = view;
    const total = view.lists.reduce((sum, { rooms }) => sum + rooms.length, 0);
    byId("filter-box").hidden = total < FILTER_FROM && !this.#filter.value;
    const key = JSON.stringify([view, this.#filter.value]);
    // Drawing anew would take the focus away, and have screen readers start over.
    if (key === this.#shown) return;
    this.#shown = key;
    const focused = this.#box.contains(document.activeElement) ? document.activeElement.dataset.room : null;
    const wanted = this.#filter.value.trim().toLocaleLowerCase();
    const budget = { left: ROOMS_SHOWN_MAX };
    const sections = view.lists.map((list, index) => this.#section(list, index, view.currentId, wanted, budget));
    this.#box.replaceChildren(...sections.filter(Boolean));
    if (!this.#box.childElementCount) this.#box.append(nothing(wanted));
    if (budget.left < 0) {
      this.#box.append(make("p", { class: "hint", text: `${count(-budget.left, "more room")}: find them by name.` }));
    }
    if (focused) this.#box.querySelector(`[data-room="${CSS.escape(focused)}"]`)?.focus();
  }

  #section({ node, isSelf, isAvailable, isRefusing, rooms }, index, currentId, wanted, budget) {
    const found = rooms.filter(({ room_name: name, description }) =>
      `${name}\n${description ?? ""}`.toLocaleLowerCase().includes(wanted),
    );
    if (!found.length && isAvailable) return null;
    const title = `node-title-${index}`;
    const list = make("ul", { "aria-labelledby": title });
    for (const room of found) {
      budget.left -= 1;
      if (budget.left >= 0) list.append(this.#row(room, isAvailable, room.room_id === currentId));
    }
    const heading = make("h3", { id: title }, make("bdi", { text: node }));
    if (isSelf) heading.append(make("span", { class: "hint", text: " · this node" }));
    const section = make("section", { class: isAvailable ? "node-rooms" : "node-rooms away" }, heading);
    const reason = isRefusing ? "Refuses this node, and says why in its log." : "Does not answer. Its rooms come back with it.";
    if (!isAvailable) section.append(make("p", { class: "hint", text: reason }));
    section.append(list);
    return section;
  }

  #row(room, isAvailable, isCurrent) {
    const button = make(
      "button",
      {
        type: "button",
        class: "room-row",
        "data-room": room.room_id,
        "aria-current": isCurrent ? "true" : null,
        disabled: !isAvailable && !isCurrent ? "" : null,
      },
      make("span", { class: "room-row-name", dir: "auto", text: visible(room.room_name) }),
      make("span", { class: "room-row-members", text: count(room.member_count, "member") }),
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
