// The figures: asked for once, then sent as events; lost, they come back by themselves.

import { ANSWER_TIMEOUT_MS, BROWSER_RETRY_MS, LOOK_MS, SILENCE_MS_MAX } from "./limits.js";
import { retryDelay } from "./retry.js";

const NO_ANSWER = "this page's server does not answer";

export class Feed {
  #listener;
  #source = null;
  #attempt = 0;
  #heardAt = 0;
  #isOpen = false;
  /** The API itself has no figures. */
  #isQuiet = false;
  /** The place in the ledger up to which coins came. */
  #place = "";
  /** Runs until the browser, or this page, tries again. */
  #timer = 0;
  #retryAt = 0;
  #isAsking = false;

  /**
   * `listener.onState({ kind, reason?, retryAt? })` with kind `connecting`, `open` or `lost`;
   * `listener.onStats(stats, isEvent)`, `onMiners` and `onCoins` with what the API says;
   * `listener.onStale(isStale, reason)` when the ledger goes away from the API, and comes back;
   * `listener.onAnswer(served_by)` with the API's replica that answered;
   * `listener.onReplica(part, whoami)` with what a replica of the part `page` or `api` says of itself.
   */
  constructor(listener) {
    this.#listener = listener;
    setInterval(() => this.#watch(), 1000);
    setInterval(() => !document.hidden && this.#isOpen && this.#look(), LOOK_MS);
  }

  /** Connects now, whatever wait was planned. */
  connect() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#source?.close();
    const source = new EventSource(this.#place ? `api/events?after=${this.#place}` : "api/events");
    this.#source = source;
    source.onopen = () => this.#opened();
    source.onerror = () => source === this.#source && this.#failed(source.readyState === EventSource.CLOSED);
    source.addEventListener("stats", (event) => {
      this.#hear();
      this.#attempt = 0;
      this.#isQuiet = false;
      this.#listener.onStats(JSON.parse(event.data), true);
    });
    source.addEventListener("stale", (event) => {
      this.#hear();
      const { stale, reason = "" } = JSON.parse(event.data);
      this.#isQuiet = stale;
      this.#listener.onStale(stale, reason);
    });
    source.addEventListener("coins", (event) => {
      this.#hear();
      this.#place = event.lastEventId;
      this.#listener.onCoins(JSON.parse(event.data));
    });
  }

  #hear() {
    this.#heardAt = performance.now();
  }

  async #opened() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#hear();
    this.#isOpen = true;
    this.#listener.onState({ kind: "open" });
    await this.#load();
  }

  /** Asks for all that events do not tell. A failure is told by what the events do then. */
  async #load() {
    this.#look();
    const [stats, coins] = await Promise.allSettled([this.#ask("api/stats"), this.#ask("api/coins?limit=20")]);
    if (stats.value) this.#listener.onStats(stats.value, false);
    if (coins.value) this.#listener.onCoins(coins.value.coins);
  }

  /** Asks for what no event tells; who does not answer is left out. */
  #look() {
    this.#ask("api/miners").then((answer) => this.#listener.onMiners(answer), () => {});
    for (const [part, path] of [["page", "whoami"], ["api", "api/whoami"]]) {
      this.#get(path).then((answer) => this.#listener.onReplica(part, answer), () => {});
    }
  }

  /** The answer of the API, which is counted. Fails with a reason for people. */
  async #ask(path) {
    const answer = await this.#get(path);
    this.#listener.onAnswer(answer.served_by);
    return answer;
  }

  async #get(path) {
    const response = await fetch(path, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) }).catch(() => null);
    if (!response) throw new Error(NO_ANSWER);
    const answer = await response.json().catch(() => null);
    if (!response.ok) throw new Error(answer?.errors?.join("; ") ?? answer?.message ?? `HTTP ${response.status}`);
    if (!answer) throw new Error("the answer is not JSON");
    return answer;
  }

  /** A connection may be dead without a word: then events stay away. */
  #watch() {
    if (this.#isOpen && !this.#isQuiet && performance.now() - this.#heardAt > SILENCE_MS_MAX) this.#failed(true, "no figures come");
  }

  /** After an error the browser tries again by itself, unless it gave up. `reason` is given when it is known. */
  #failed(hasGivenUp, reason = null) {
    const wasOpen = this.#isOpen;
    this.#isOpen = false;
    if (wasOpen) this.#listener.onState({ kind: "connecting" });
    if (hasGivenUp) {
      this.#source.close();
      this.#attempt += 1;
      this.#retry(retryDelay(this.#attempt), () => this.connect());
    } else if (this.#timer === 0) {
      this.#retry(BROWSER_RETRY_MS, () => this.#failed(true));
    }
    if (reason) this.#lost(reason);
    else this.#explain();
  }

  #retry(delay, again) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(again, delay);
    this.#retryAt = Date.now() + delay;
  }

  /** An event source does not say why it failed; a plain request does. */
  async #explain() {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const problem = await this.#ask("api/stats").then(() => null, (error) => error.message);
    this.#isAsking = false;
    // A replica that stops ends its events, and another one goes on: nobody need be told.
    if (problem !== null || this.#attempt > 1) this.#lost(problem ?? "no events come");
  }

  #lost(reason) {
    if (!this.#isOpen) this.#listener.onState({ kind: "lost", reason, retryAt: this.#retryAt });
  }
}
