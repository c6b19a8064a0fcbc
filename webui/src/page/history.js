// How many requests came in each of the last seconds.

import { RATE_SECONDS, SPARK_SECONDS } from "./limits.js";

export class History {
  /** A rate for each of the last rounds, a second each, the oldest first. */
  #rates = [];
  #count = null;
  #at = 0;

  /** Takes the count at `now`, in milliseconds; null when it is not known. It is smaller after a new start. */
  take(count, now) {
    const seconds = (now - this.#at) / 1000;
    const isKnown = this.#count !== null && count !== null && count >= this.#count;
    this.#rates.push(isKnown && seconds > 0 ? (count - this.#count) / seconds : 0);
    if (this.#rates.length > SPARK_SECONDS) this.#rates.shift();
    this.#count = count;
    this.#at = now;
  }

  /** Requests a second, now. */
  get now() {
    return this.#rates.at(-1) ?? 0;
  }

  /** Requests a second, over the last seconds. */
  get mean() {
    const last = this.#rates.slice(-RATE_SECONDS);
    return last.reduce((sum, rate) => sum + rate, 0) / Math.max(1, last.length);
  }

  get rates() {
    return this.#rates;
  }

  get isEmpty() {
    return this.#rates.every((rate) => rate === 0);
  }
}
