// What the page says of its connection, of the age of its figures, and of who answers.

import { hue } from "./colour.js";
import { announce, byId, make, write } from "./dom.js";
import { REPLICAS_SHOWN } from "./limits.js";
import { age, count } from "./numbers.js";

const STALE = "The ledger does not answer the API.";
const REPLICA = "The figures come from a replica.";

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

export class Status {
  #kind = "connecting";
  #isStale = false;
  #isOfReplica = false;
  #ticker = 0;
  /** The moment of which the figures are. */
  #figuresAt = null;
  /** Answers of each replica of the API; the one that answered last is the last. */
  #answers = new Map();

  constructor({ onTryNow }) {
    byId("try-now").addEventListener("click", onTryNow);
  }

  get isLive() {
    return this.#kind === "open" && !this.#isStale;
  }

  /** Shows the state of the connection, as `feed.js` gives it. */
  show({ kind, reason, retryAt }) {
    clearInterval(this.#ticker);
    if (kind === "open") {
      if (this.#kind === "lost") announce("Connected again.");
      byId("connection").hidden = true;
    } else if (kind === "lost") {
      const text = `The connection is lost: ${reason}. It comes back by itself.`;
      if (byId("connection-text").textContent !== text || byId("connection").hidden) announce(text);
      write(byId("connection-text"), text);
      byId("connection").hidden = false;
      this.#tick(retryAt);
    }
    this.#kind = kind;
    this.#showState();
  }

  #tick(retryAt) {
    const tick = () => {
      const seconds = Math.ceil((retryAt - Date.now()) / 1000);
      write(byId("connection-wait"), retryAt > Date.now() ? `Next try in ${seconds} s.` : "Trying…");
    };
    tick();
    this.#ticker = setInterval(tick, 1000);
  }

  /** Shows whether the API has the ledger's figures, or only old ones; `reason` is known now and then. */
  showStale(isStale, reason = "") {
    if (isStale !== this.#isStale) announce(isStale ? STALE : "The figures are live again.");
    if (isStale !== this.#isStale || reason) write(byId("stale-text"), reason ? `${STALE} ${sentence(reason)}` : STALE);
    byId("stale").hidden = !isStale;
    this.#isStale = isStale;
    this.#showState();
  }

  /** Shows whether the figures come from the ledger's replica. */
  showSource({ stale, source }) {
    const isOfReplica = source === "replica" && !stale;
    if (isOfReplica !== this.#isOfReplica) announce(isOfReplica ? REPLICA : "The figures come from Redis again.");
    byId("replica").hidden = !isOfReplica;
    this.#isOfReplica = isOfReplica;
  }

  /** Takes how old the figures are; of old ones the age is taken once, and then counted here. */
  takeAge({ stale, age_seconds: seconds }) {
    if (!stale || this.#figuresAt === null) this.#figuresAt = performance.now() - seconds * 1000;
    this.showAge();
  }

  /** Shows how old the figures are by now, if there are any. */
  showAge() {
    if (this.#figuresAt === null) return;
    const seconds = Math.floor((performance.now() - this.#figuresAt) / 1000);
    write(byId("stale-age"), `The figures are ${age(seconds)} old.`);
  }

  #showState() {
    const isStale = this.#kind === "open" && this.#isStale;
    const words = { connecting: "Connecting…", open: isStale ? "Stale" : "Live", lost: "Lost" };
    const state = isStale ? "stale" : this.#kind;
    document.body.dataset.state = byId("state").dataset.state = state;
    write(byId("state-words"), words[this.#kind]);
  }

  /** Who sends the events. */
  eventsBy(replica) {
    write(byId("events-by"), `Events come from ${replica}`);
  }

  /** Shows which replica of a part, `page` or `api`, answered last. */
  isAnsweredBy(part, { served_by: replica, version }) {
    const chip = byId(`${part}-by`);
    write(chip.lastElementChild, `${replica} ${version}`);
    chip.style.setProperty("--hue", hue(`${replica} ${version}`));
    chip.hidden = false;
  }

  /** Counts an answer by a replica of the API. */
  answered(replica) {
    const answers = (this.#answers.get(replica) ?? 0) + 1;
    this.#answers.delete(replica);
    this.#answers.set(replica, answers);
    if (this.#answers.size > REPLICAS_SHOWN) this.#answers.delete(this.#answers.keys().next().value);
    const sorted = [...this.#answers].sort(([one], [other]) => (one < other ? -1 : 1));
    byId("answers").replaceChildren(...sorted.map(([name, number]) =>
      make("li", { "data-last": name === replica }, `${name} `, make("span", { text: count(number, "time") }))));
  }
}
