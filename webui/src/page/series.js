// Coins of each second. The API gives those of the last minute, without saying which second is the last.

import { CHART_SECONDS_MAX } from "./limits.js";

export class Series {
  /** One for each second up to `#end`; null when it is not known. */
  #values = [];
  /** The number of the last known second; the first that ever came is 0. */
  #end = 0;
  /** The numbers of seconds in which the ledger was away: that it counted no coin then says nothing. */
  #away = new Set();
  #isAway = false;
  /** A moment, and the number of the second that was the last one then. */
  #anchor = { at: 0, second: 0 };

  /** From the last known second to the next figures, the ledger counts nothing. */
  ledgerIsAway() {
    this.#isAway = true;
  }

  /** Takes the counts of the last seconds, the oldest first, that came at `now` (in milliseconds). */
  take(counts, now) {
    const wasAway = this.#isAway;
    this.#isAway = false;
    if (this.#values.length === 0) {
      this.#values = [...counts];
      this.#anchor = { at: now, second: 0 };
      return;
    }
    const end = this.#place(counts, now);
    if (wasAway) this.#leaveOut(counts, end);
    const fresh = Math.min(end - this.#end, CHART_SECONDS_MAX);
    this.#values.push(...Array(fresh).fill(null));
    this.#values.splice(Math.max(0, this.#values.length - counts.length), counts.length, ...counts);
    this.#values.splice(0, this.#values.length - CHART_SECONDS_MAX);
    this.#end = end;
  }

  /** Leaves out the seconds without a coin after those that are known, up to `end`. */
  #leaveOut(counts, end) {
    counts.forEach((count, index) => {
      const second = end - counts.length + 1 + index;
      if (second > this.#end && count === 0) this.#away.add(second);
    });
    for (const second of this.#away) if (second <= end - CHART_SECONDS_MAX) this.#away.delete(second);
  }

  /** Which second is the last of these counts: what the clock says, or one beside it that fits better. */
  #place(counts, now) {
    const expected = Math.max(this.#end, this.#now(now));
    const candidates = [expected, expected - 1, expected + 1].filter((second) => second >= this.#end);
    const place = candidates.find((second) => this.#fits(counts, second));
    if (place === undefined) return expected;
    if (place !== this.#now(now)) this.#anchor = { at: now, second: place };
    return place;
  }

  #now(now) {
    return this.#anchor.second + Math.round((now - this.#anchor.at) / 1000);
  }

  /** Whether the counts agree with those that are known, if their last is of second `end`. */
  #fits(counts, end) {
    const shift = end - this.#end + this.#values.length - counts.length;
    return counts.every((count, index) => {
      const known = this.#values[index + shift];
      return known === undefined || known === null || known === count;
    });
  }

  /** The counts up to `now`; null stands for seconds of which nothing is known (yet). */
  until(now, isLive) {
    const missing = isLive ? 0 : Math.min(Math.max(0, this.#now(now) - this.#end), CHART_SECONDS_MAX);
    const first = this.#end - this.#values.length + 1;
    const known = this.#values.map((value, index) => (this.#away.has(first + index) ? null : value));
    return [...known, ...Array(missing).fill(null)].slice(-CHART_SECONDS_MAX);
  }
}

/** For each second the mean of the `width` seconds that end with it; null where too few are known. */
export function means(values, width) {
  return values.map((value, index) => {
    if (value === null) return null;
    const known = values.slice(Math.max(0, index + 1 - width), index + 1).filter((count) => count !== null);
    return known.length * 2 < width ? null : known.reduce((sum, count) => sum + count, 0) / known.length;
  });
}
