// The nodes of the cluster: which answer, and what lives on each.

import { byId, count, make } from "./dom.js";

let drawn = "";

/** `lists`: `[{ node, isSelf, isAvailable, isRefusing, rooms }]`. */
export function showNodes(lists) {
  const rows = lists.map(({ node, isSelf, isAvailable, isRefusing, rooms }) => ({
    node,
    isSelf,
    state: isAvailable ? "up" : isRefusing ? "refusing" : "down",
    rooms: rooms.length,
    members: rooms.reduce((sum, { member_count: members }) => sum + members, 0),
  }));
  // Drawing anew what is the same would have screen readers start over.
  const key = JSON.stringify(rows);
  if (key === drawn) return;
  drawn = key;
  byId("nodes").replaceChildren(...rows.map(row));
  byId("nodes-pane").hidden = rows.length === 0;
}

const STATES = { down: "does not answer", refusing: "refuses this node: its log says why" };

function row({ node, isSelf, state, rooms, members }) {
  const name = make("span", { class: "node-line-name" }, make("bdi", { text: node }));
  if (isSelf) name.append(make("span", { class: "hint", text: " · here" }));
  const facts = STATES[state] ?? `${count(rooms, "room")} · ${count(members, "member")}`;
  return make(
    "li",
    { class: "node-line", "data-state": state },
    make("span", { class: "dot", "aria-hidden": "true" }),
    name,
    make("span", { class: "node-line-facts", text: facts }),
  );
}
