// A bar for each miner at work, as long as it is fast; the silent ones in one line.

import { byId, make, write } from "./dom.js";
import { MINERS_SHOWN } from "./limits.js";
import { count, large, rate, timeOfDay } from "./numbers.js";

/** `miner.2` before `miner.10`; names need not differ. */
const order = (one, other) =>
  one.name.localeCompare(other.name, "en", { numeric: true }) || (one.id < other.id ? -1 : 1);

const sum = (miners, figure) => miners.reduce((total, miner) => total + miner[figure], 0);

export class Miners {
  #answer = null;

  /** Shows the API's answer, or the last one again; `isLive` tells whether it holds still. */
  show(isLive, answer = this.#answer) {
    this.#answer = answer;
    if (answer === null) return;
    const working = answer.miners.filter(({ alive }) => alive).sort(order);
    const silent = answer.miners.filter(({ alive }) => !alive);
    const shown = working.slice(0, MINERS_SHOWN);
    const fastest = Math.max(0, ...shown.map((miner) => miner.coins_per_second_10s));
    const list = byId("miners");
    while (list.children.length < shown.length) list.append(row());
    while (list.children.length > shown.length) list.lastChild.remove();
    shown.forEach((miner, index) => showMiner(list.children[index], miner, fastest, isLive));
    write(byId("miners-rest"), rest(working, silent, answer.retired_coins, isLive));
  }
}

const row = () => make("li", { class: "miner" },
  make("span", { class: "miner-name" }),
  make("span", { class: "miner-speed" }),
  make("span", { class: "track", "aria-hidden": "true" }, make("span", { class: "bar-fill" })),
  make("span", { class: "miner-facts" }, make("span", { class: "miner-state" }), make("span")),
);

/** The bar of the fastest is whole; a speed that the API does not know yet has none. */
function showMiner(item, { id, name: called, coins, coins_per_second_10s: speed, hash_rate }, fastest, isLive) {
  const [name, speedShown, track, facts] = item.children;
  write(name, called);
  name.title = id;
  write(speedShown, speed === null ? "–" : `${rate(speed)} a second`);
  track.firstChild.style.width = `${(100 * (speed ?? 0)) / (fastest || 1)}%`;
  write(facts.firstChild, isLive ? "at work" : "no news");
  write(facts.lastChild, ` · ${count(coins, "coin")} · ${large(hash_rate)} hashes/s`);
}

/** What has no bar. */
function rest(working, silent, retired, isLive) {
  if (working.length + silent.length + retired === 0) return "No miners yet.";
  const parts = [];
  const others = working.slice(MINERS_SHOWN);
  if (others.length > 0) {
    const speed = rate(sum(others, "coins_per_second_10s"));
    parts.push(`And ${count(others.length, "more miner")}${isLive ? " at work" : ""}, with ${speed} a second.`);
  }
  if (silent.length > 0) {
    const last = timeOfDay(silent.map((miner) => miner.last_seen).sort().at(-1));
    const coins = count(sum(silent, "coins"), "coin");
    parts.push(`${count(silent.length, "silent miner")}, the last one since ${last}, found ${coins}.`);
  }
  if (retired > 0) parts.push(`Miners of earlier times found ${count(retired, "coin")}.`);
  return parts.join(" ");
}
