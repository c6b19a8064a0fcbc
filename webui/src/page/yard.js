// The yard: a tile for each instance, grouped by machine. Only what has changed is written.

import { byId, count, make, write } from "./dom.js";
import { Gone } from "./gone.js";
import { minerAsInstance, redisAsInstance, stateOf, stateText } from "./instance.js";
import { CROWDED_MIN, TILES_MAX } from "./limits.js";
import { pulse } from "./pulses.js";
import { Tile, versionChip } from "./tile.js";

const collator = new Intl.Collator("en", { numeric: true });

/** `producer.2` before `producer.10`, `pi2` before `pi10`; what has no name comes last. */
const order = (one, other) => (one === null) - (other === null) || collator.compare(one, other);

const sum = (counts) => [...counts.values()].reduce((total, number) => total + number, 0);

export class Yard {
  /** All tiles, by the instance's id; in the order of their coming. */
  #tiles = new Map();
  /** By machine: `{ node, section, title, facts, list, tiles }`, of which the tiles are in order. */
  #groups = new Map();
  #gone = new Gone();
  /** Instances without a tile, as there are too many. */
  #beyond = { yard: 0, miners: 0 };
  #versions = "";
  #isTold = false;
  /** What the API said last of the miners, and whether it still does. */
  #miners = null;
  #isLive = false;

  /** All tiles. */
  get tiles() {
    return [...this.#tiles.values()];
  }

  /** The tiles of a service's instances. */
  of(name) {
    return this.tiles.filter((tile) => tile.instance.name === name);
  }

  /** Takes what the server of this page says has changed. */
  take({ whole, instances, requests, forgotten, absent, beyond }) {
    const now = performance.now();
    const news = [];
    if (whole) this.#keepOnly(new Set(instances.map(({ id }) => id)));
    for (const { uptime_seconds: seconds, ...instance } of instances) {
      instance.since = now - seconds * 1000;
      for (const knob of instance.knobs ?? []) knob.endsAt = now + knob.ends_in_seconds * 1000;
      if (instance.state === "gone") this.#lose(instance, news);
      else this.#show(instance, news);
    }
    for (const id of forgotten) {
      this.#remove(id);
      this.#gone.remove(id);
    }
    if (absent) this.#showAbsent(absent);
    this.#beyond.yard = beyond;
    this.#tick(requests, now);
    this.#summarise(whole ? [] : news);
  }

  /** Takes what the API says of the miners, or said last; `isLive` tells whether it still holds. */
  takeMiners(isLive, answer = this.#miners) {
    if (answer === null || (answer === this.#miners && isLive === this.#isLive)) return;
    this.#miners = answer;
    this.#isLive = isLive;
    const now = performance.now();
    const alive = answer.miners.filter((miner) => miner.alive).map((miner) => minerAsInstance(miner, isLive, now));
    const ids = new Set(alive.map(({ id }) => id));
    for (const { instance: { id, name, isSecondHand } } of this.#tiles.values()) {
      if (isSecondHand && name === "miner" && !ids.has(id)) this.#remove(id);
    }
    const room = Math.max(0, TILES_MAX - this.#tiles.size);
    const fresh = alive.filter(({ id }) => !this.#tiles.has(id));
    const left = new Set(fresh.slice(room).map(({ id }) => id));
    for (const instance of alive) if (!left.has(instance.id)) this.#show(instance, []);
    this.#beyond.miners = left.size;
  }

  /** Takes what the API says of Redis; null when it says nothing. */
  takeLedger(stats) {
    if (stats === null) this.#remove("redis");
    else this.#show(redisAsInstance(stats), []);
  }

  /** No news come: what is shown is old. */
  lose() {
    byId("yard").dataset.lost = "";
    write(byId("yard-summary"), "No news of the yard. It comes back by itself.");
  }

  #keepOnly(ids) {
    for (const [id, tile] of this.#tiles) if (!tile.instance.isSecondHand && !ids.has(id)) this.#remove(id);
    this.#gone.keepOnly(ids);
  }

  #show(instance, news) {
    const before = this.#tiles.get(instance.id);
    this.#gone.remove(instance.id);
    const tile = before ?? new Tile();
    const [group, state] = before ? [before.node, stateOf(before.instance)] : [undefined, undefined];
    const wasBroken = tile.isBroken;
    tile.take(instance);
    if (!before) {
      this.#tiles.set(instance.id, tile);
      news.push(`${tile.key} is there`);
    } else if (state !== stateOf(instance) && state !== "silent" && instance.state === "answers") {
      news.push(`${tile.key} is ${stateText(instance)}`);
    }
    if (tile.isBroken !== wasBroken) {
      news.push(`${tile.key} is ${tile.isBroken ? "broken on purpose" : "not broken any more"}`);
    }
    if (group !== tile.node) this.#place(tile, group);
  }

  #lose(instance, news) {
    this.#remove(instance.id);
    if (this.#gone.add(instance)) news.push(`${this.#gone.nameOf(instance.id)} is gone`);
  }

  #remove(id) {
    const tile = this.#tiles.get(id);
    if (!tile) return;
    this.#tiles.delete(id);
    tile.element.remove();
    this.#tidy(tile.node);
  }

  /** Puts a tile where its machine's others are. */
  #place(tile, former) {
    const group = this.#groups.get(tile.node) ?? this.#addGroup(tile.node);
    const found = group.tiles.findIndex((other) => order(other.key, tile.key) > 0);
    const place = found === -1 ? group.tiles.length : found;
    group.list.insertBefore(tile.element, group.tiles[place]?.element ?? null);
    group.tiles.splice(place, 0, tile);
    if (former !== undefined) this.#tidy(former);
  }

  #addGroup(node) {
    const title = make("h3", { class: "machine-name" });
    const facts = make("p", { class: "hint machine-facts" });
    const list = make("ul", { class: "tiles-of" });
    const section = make("section", { class: "machine" }, make("div", { class: "machine-head" }, title, facts), list);
    // Until the next summary; a heading is never empty.
    write(title, node ?? "Instances");
    const group = { node, section, title, facts, list, tiles: [] };
    const later = [...this.#groups.values()].filter((other) => order(other.node, node) > 0);
    const next = later.sort((one, other) => order(one.node, other.node))[0];
    byId("machines").insertBefore(section, next?.section ?? null);
    this.#groups.set(node, group);
    return group;
  }

  /** A machine without instances is not known of. */
  #tidy(node) {
    const group = this.#groups.get(node);
    group.tiles = group.tiles.filter((tile) => tile.element.isConnected && tile.node === node);
    if (group.tiles.length > 0) return;
    group.section.remove();
    this.#groups.delete(node);
  }

  #tick(requests, now) {
    const isCrowded = this.#tiles.size >= CROWDED_MIN;
    byId("yard").toggleAttribute("data-crowded", isCrowded);
    const busy = [];
    for (const tile of this.#tiles.values()) {
      tile.tick(requests[tile.instance.id] ?? tile.instance.requests ?? null, now, isCrowded);
      const isBusy = tile.now > 0 && tile.instance.state === "answers";
      if (isBusy) busy.push({ element: tile.mark, rate: tile.now });
      // Each change between two news has the browser draw the whole crowd once more: there, what pulses is a ring.
      tile.mark.toggleAttribute("data-busy", isBusy && isCrowded);
    }
    pulse(isCrowded ? [] : busy);
    this.#gone.tick();
  }

  #summarise(news) {
    delete byId("yard").dataset.lost;
    const versions = new Map();
    let [unready, broken] = [0, 0];
    for (const { instance, isBroken } of this.#tiles.values()) {
      if (instance.version) versions.set(instance.version, (versions.get(instance.version) ?? 0) + 1);
      if (stateOf(instance) !== "ready") unready += 1;
      if (isBroken) broken += 1;
    }
    const machines = [...this.#groups.keys()].filter((node) => node !== null).length;
    const where = machines > 0 ? ` on ${count(machines, "machine")}` : "";
    const beyond = this.#beyond.yard + this.#beyond.miners;
    const more = beyond > 0 ? `, and ${count(beyond, "more")} that are not shown` : "";
    const how = [unready > 0 ? `${unready} not ready` : "all ready", broken > 0 && `${broken} broken on purpose`];
    write(byId("yard-summary"), this.#tiles.size > 0
      ? `${count(this.#tiles.size, "instance")}${where}, ${how.filter(Boolean).join(", ")}${more}.` : "Nobody answers.");
    this.#showVersions(versions);
    for (const group of this.#groups.values()) showMachine(group, machines);
    if (this.#isTold && news.length > 0) {
      const rest = news.length > 3 ? `, and ${news.length - 3} more changes` : "";
      write(byId("yard-announcer"), `${news.slice(0, 3).join(", ")}${rest}.`);
    }
    this.#isTold = true;
  }

  #showVersions(versions) {
    const sorted = [...versions].sort(([one], [other]) => order(one, other));
    const key = JSON.stringify(sorted);
    if (key === this.#versions) return;
    this.#versions = key;
    const all = sum(versions);
    byId("versions").replaceChildren(...sorted.map(([version, number]) =>
      make("li", {}, versionChip(version), ` ${number} of ${all}`)));
  }

  #showAbsent(absent) {
    byId("absent").hidden = absent.length === 0;
    write(byId("absent"), `Nobody answers at ${absent.join(", ")}.`);
  }
}

/** A machine's head. Where nobody tells machines, there is one group. */
function showMachine({ node, title, facts, tiles }, machines) {
  write(title, node ?? (machines > 0 ? "Machine not told" : "Instances"));
  const architectures = new Set(tiles.map(({ instance }) => instance.architecture).filter(Boolean));
  write(facts, [...architectures, count(tiles.length, "instance")].join(" · "));
}
