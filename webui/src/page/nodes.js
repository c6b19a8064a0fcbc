// The chat: its nodes, the rooms that each hosts, and whether they hear each other.

import { byId, count, make, write } from "./dom.js";
import { stateOf, stateText } from "./instance.js";

let drawn = "";

const HEARING = { silent: "does not hear", refuses: "is refused by" };

/** Shows the tiles of the chat's nodes, as they are now. */
export function showNodes(tiles) {
  const nodes = tiles.map((tile) => {
    const { rooms = [], rooms_total: total = 0, peers = [], node } = tile.instance.details ?? {};
    const deaf = peers.filter(({ state }) => state in HEARING).map(({ node, state }) => `${HEARING[state]} ${node}`);
    return {
      name: node ?? tile.key,
      machine: tile.node,
      state: stateOf(tile.instance),
      text: tile.instance.state === "answers" && tile.instance.ready !== false ? "" : stateText(tile.instance),
      rooms,
      more: total - rooms.length,
      deaf,
    };
  });
  nodes.sort((one, other) => one.name.localeCompare(other.name, "en", { numeric: true }));
  // Drawing anew what is the same would have screen readers start over.
  const key = JSON.stringify(nodes);
  if (key === drawn) return;
  drawn = key;
  // Where this demo does not run, there is nothing to say; once it ran, there is.
  if (nodes.length > 0) byId("chat").hidden = false;
  byId("chat-nodes").replaceChildren(...nodes.map(item));
  const rooms = nodes.reduce((sum, { rooms, more }) => sum + rooms.length + more, 0);
  write(byId("chat-summary"), nodes.length === 0 ? "No node of the chat answers here."
    : `${count(nodes.length, "node")}, ${count(rooms, "room")}. A room's node gives its messages their order.`);
}

function item({ name, machine, state, text, rooms, more, deaf }) {
  const head = make("p", { class: "chat-node-head" },
    make("span", { class: "mark", "aria-hidden": "true" }), make("b", { text: name }),
    machine ? make("span", { class: "hint", text: ` on ${machine}` }) : "",
    text ? make("span", { class: "chat-node-state", text }) : "");
  const notes = deaf.map((text) => make("p", { class: "chat-node-state", text }));
  const label = `Rooms of ${name}`;
  const list = rooms.length > 0 ? make("ul", { class: "chat-rooms", "aria-label": label }, ...rooms.map(room)) : "";
  const none = rooms.length === 0 && state === "ready" ? make("p", { class: "hint", text: "hosts no room" }) : "";
  const rest = more > 0 ? make("p", { class: "hint", text: `and ${count(more, "more room")}` }) : "";
  return make("li", { class: "chat-node", "data-state": state }, head, ...notes, list, none, rest);
}

function room({ name, members, nodes }) {
  const elsewhere = nodes.length > 0 ? `, also at ${nodes.join(", ")}` : "";
  return make("li", {}, make("bdi", { class: "chat-room", text: name }),
    make("span", { class: "hint", text: ` ${count(members, "member")}${elsewhere}` }));
}
