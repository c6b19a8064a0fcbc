// Those that have fallen silent, folded away.

import { byId, count, make, write } from "./dom.js";
import { called, nodeOf } from "./instance.js";
import { age } from "./numbers.js";

export class Gone {
  /** By id: `{ item, name, since }`. */
  #all = new Map();

  /** True when it was not among them. */
  add(instance) {
    if (this.#all.has(instance.id)) return false;
    const node = nodeOf(instance);
    const name = node ? `${called(instance)} on ${node}` : called(instance);
    const silence = make("span", { class: "hint" });
    const item = make("li", {}, `${name}, version ${instance.version} `, silence);
    const since = performance.now() - (instance.silent_seconds ?? 0) * 1000;
    this.#all.set(instance.id, { item, name, since, silence });
    byId("gone-list").prepend(item);
    this.#showCount();
    return true;
  }

  nameOf(id) {
    return this.#all.get(id)?.name ?? "";
  }

  remove(id) {
    this.#all.get(id)?.item.remove();
    if (this.#all.delete(id)) this.#showCount();
  }

  keepOnly(ids) {
    for (const id of this.#all.keys()) if (!ids.has(id)) this.remove(id);
  }

  /** Time has gone on. What is folded need not be written. */
  tick() {
    if (!byId("gone").open) return;
    for (const { silence, since } of this.#all.values()) {
      write(silence, `silent for ${age((performance.now() - since) / 1000)}`);
    }
  }

  #showCount() {
    byId("gone").hidden = this.#all.size === 0;
    write(byId("gone-count"), `${count(this.#all.size, "instance")} fell silent in the last minute`);
  }
}
