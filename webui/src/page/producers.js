// The numbers: the last one that a consumer got, and a bar for each producer that answers.

import { byId, make, write } from "./dom.js";
import { rate } from "./numbers.js";
import { PRODUCERS_SHOWN } from "./limits.js";

/** What the page knows of the consumers' numbers: who got how many, to see which is the newest. */
const counts = new Map();

/** Shows the tiles of producers and consumers, as they are now. */
export function showNumbers(producers, consumers) {
  // Where this demo does not run, there is nothing to say; once it ran, there is.
  if (producers.length + consumers.length > 0) byId("numbers").hidden = false;
  showLast(consumers);
  const sorted = producers.sort((one, other) => one.key.localeCompare(other.key, "en", { numeric: true }));
  const shown = sorted.slice(0, PRODUCERS_SHOWN);
  const list = byId("producers");
  while (list.children.length < shown.length) list.append(row());
  while (list.children.length > shown.length) list.lastChild.remove();
  const most = Math.max(0, ...shown.map((tile) => tile.mean));
  shown.forEach((tile, index) => showRow(list.children[index], tile, most));
  const beyond = producers.length - shown.length;
  write(byId("producers-rest"), producers.length === 0 ? "Nobody gives numbers here."
    : beyond > 0 ? `And ${beyond} more producers.` : "Requests a second, over 10 s.");
}

const row = () => make("li", { class: "row" },
  make("span", { class: "row-name" }), make("span", { class: "row-rate" }),
  make("span", { class: "track", "aria-hidden": "true" }, make("span", { class: "row-fill" })));

/** The bar of the busiest is whole. */
function showRow(item, { key, node, mean, instance }, most) {
  const [name, speed, track] = item.children;
  write(name, node ? `${key} on ${node}` : key);
  write(speed, instance.state === "answers" ? `${rate(mean)} a second` : "no answer");
  const length = (most > 0 ? mean / most : 0).toFixed(3);
  if (track.dataset.length === length) return;
  track.dataset.length = length;
  track.firstChild.style.transform = `scaleX(${length})`;
}

function showLast(consumers) {
  for (const { instance } of consumers) {
    const { numbers, last_number: number, from } = instance.details ?? {};
    if (numbers === undefined || counts.get(instance.id) === numbers) continue;
    counts.set(instance.id, numbers);
    write(byId("last-number"), number === null ? "–" : String(number));
    write(byId("last-from"), from === null ? "No number yet." : `from ${from}`);
  }
  if (consumers.length === 0) {
    counts.clear();
    write(byId("last-number"), "–");
    write(byId("last-from"), "Nobody fetches numbers here.");
  }
}
