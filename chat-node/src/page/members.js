// Who is in the room.

import { byId, count, make } from "./dom.js";
import { MEMBERS_SHOWN_MAX } from "./limits.js";
import { hue, initial, visible } from "./names.js";

let planned = 0;

/** Shows the members at the next opportunity: many events cost one drawing. */
export function showMembers(names, own) {
  cancelAnimationFrame(planned);
  planned = requestAnimationFrame(() => draw(names, own));
}

function draw(names, own) {
  const others = [...names].filter((name) => name !== own).sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  const sorted = names.has(own) ? [own, ...others] : others;
  const rows = sorted.slice(0, MEMBERS_SHOWN_MAX).map((name) =>
    make(
      "li",
      {},
      make("span", { class: `face hue-${hue(name)}`, "aria-hidden": "true", text: initial(name) }),
      make("bdi", { class: "member-name", text: visible(name) }),
      name === own ? make("span", { class: "hint", text: " (you)" }) : "",
    ),
  );
  if (sorted.length > rows.length) {
    rows.push(make("li", { class: "hint", text: `and ${(sorted.length - rows.length).toLocaleString("en")} more` }));
  }
  byId("members").replaceChildren(...rows);
  byId("members-title").textContent = count(sorted.length, "member");
  byId("member-count").textContent = count(sorted.length, "member");
}
