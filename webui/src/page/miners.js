// A bar for each miner.

import { byId, make, write } from "./dom.js";
import { MINERS_SHOWN } from "./limits.js";
import { count, large, percent, timeOfDay } from "./numbers.js";

/** Those at work come first; among them, who found most. */
const order = (one, other) =>
  other.alive - one.alive || other.coins - one.coins || (one.id < other.id ? -1 : 1);

/** Shows the API's answer. */
export function showMiners({ miners, retired_coins: retired }) {
  const sorted = [...miners].sort(order);
  const shown = sorted.slice(0, MINERS_SHOWN);
  const all = miners.reduce((sum, { coins }) => sum + coins, retired);
  const list = byId("miners");
  while (list.children.length < shown.length) list.append(row());
  while (list.children.length > shown.length) list.lastChild.remove();
  shown.forEach((miner, index) => showMiner(list.children[index], miner, all));
  write(byId("miners-rest"), rest(sorted.slice(MINERS_SHOWN), retired, miners.length));
}

const row = () => make("li", { class: "miner" },
  make("span", { class: "miner-name" }),
  make("span", { class: "miner-share" }),
  make("span", { class: "track", "aria-hidden": "true" }, make("span", { class: "bar-fill" })),
  make("span", { class: "miner-facts" }, make("span", { class: "miner-state" }), make("span")),
);

function showMiner(item, { id, name: called, coins, hash_rate, last_seen, alive }, all) {
  const [name, share, track, facts] = item.children;
  item.dataset.alive = alive;
  write(name, called);
  name.title = id;
  write(share, percent(coins, all));
  track.firstChild.style.width = `${(100 * coins) / Math.max(1, all)}%`;
  write(facts.firstChild, alive ? "at work" : `silent since ${timeOfDay(last_seen)}`);
  write(facts.lastChild, ` · ${count(coins, "coin")}${alive ? ` · ${large(hash_rate)} hashes/s` : ""}`);
}

/** What has no bar. */
function rest(others, retired, known) {
  if (known === 0 && retired === 0) return "No miners yet.";
  const parts = [];
  if (others.length > 0) {
    const coins = others.reduce((sum, miner) => sum + miner.coins, 0);
    const alive = others.filter((miner) => miner.alive).length;
    parts.push(`And ${count(others.length, "more miner")}, ${alive} of them at work, with ${count(coins, "coin")}.`);
  }
  if (retired > 0) parts.push(`Miners of earlier times found ${count(retired, "coin")}.`);
  return parts.join(" ");
}
