// One instance: its state as shape and word, its version as colour, shape and text, and what passes through it.

import { hue, shape } from "./colour.js";
import { make, write } from "./dom.js";
import { History } from "./history.js";
import { brokenBy, called, nodeOf, stateOf, stateText, uptime } from "./instance.js";
import { rate } from "./numbers.js";
import { Spark } from "./spark.js";

/** An uptime is told in whole seconds: a start that is this near to the one that is known is the same. */
const UPTIME_MS_ROUNDED = 2000;

/** `● 1.0.0`. */
export function versionChip(version) {
  const chip = make("span", { class: "version" },
    make("span", { class: "version-shape", "aria-hidden": "true" }), make("span", { class: "version-text" }));
  showVersion(chip, version);
  return chip;
}

function showVersion(chip, version) {
  chip.hidden = !version;
  if (!version || chip.lastChild.textContent === version) return;
  write(chip.firstChild, shape(version));
  write(chip.lastChild, version);
  chip.style.setProperty("--hue", hue(version));
}

export class Tile {
  element = make("li", { class: "tile" });
  #mark = make("span", { class: "mark", "aria-hidden": "true" });
  #name = make("span", { class: "tile-name" });
  #rate = make("span", { class: "tile-rate" });
  #version = versionChip(null);
  #facts = make("span", { class: "tile-facts" });
  /** What breaks it on purpose; nothing but for a while, if ever. */
  #broken = null;
  #spark = null;
  #history = new History();
  instance = null;

  constructor() {
    const line = make("span", { class: "tile-line" }, this.#version, this.#facts);
    this.element.append(this.#mark, this.#name, this.#rate, line);
  }

  get mark() {
    return this.#mark;
  }

  get isBroken() {
    return this.element.hasAttribute("data-broken");
  }

  get key() {
    return called(this.instance);
  }

  get node() {
    return nodeOf(this.instance);
  }

  /** Requests a second, over the last seconds; of a miner, coins. */
  get mean() {
    return this.instance.rate ?? this.#history.mean;
  }

  /** Requests a second, now. */
  get now() {
    return this.instance.rate ?? this.#history.now;
  }

  /** Takes what is known by now. */
  take(instance) {
    const since = this.instance?.since ?? null;
    const isSame = since !== null && instance.since !== null && Math.abs(since - instance.since) < UPTIME_MS_ROUNDED;
    if (isSame) instance.since = since;
    this.instance = instance;
    this.element.dataset.state = stateOf(instance);
    write(this.#name, called(instance));
    showVersion(this.#version, instance.version);
    this.#showFacts();
  }

  /** Time has gone on: a round is over, in which the instance counted up to `requests`. */
  tick(requests, now, isCrowded) {
    this.instance.requests = requests;
    this.#history.take(requests, now);
    const mean = this.mean;
    const unit = this.instance.name === "miner" ? " coins/s" : "/s";
    write(this.#rate, mean < 0.05 ? "" : `${rate(mean)}${unit}`);
    this.#showFacts();
    if (isCrowded || this.instance.rate !== undefined) return;
    if (!this.#spark && !this.#history.isEmpty) {
      this.#spark = new Spark();
      this.element.append(this.#spark.canvas);
    }
    this.#spark?.draw(this.#history.rates);
  }

  #showFacts() {
    write(this.#facts, [stateText(this.instance), uptime(this.instance)].filter(Boolean).join(" · "));
    const effects = brokenBy(this.instance);
    this.element.toggleAttribute("data-broken", effects.length > 0);
    if (!this.#broken && effects.length > 0) {
      this.#broken = make("span", { class: "tile-broken" });
      this.element.append(this.#broken);
    }
    if (this.#broken) write(this.#broken, effects.length > 0 ? `Broken on purpose: ${effects.join("; ")}` : "");
  }
}
