// What the instances of the yard say of themselves: sent as events, for as long as somebody looks.

import { SILENCE_MS_MAX } from "./limits.js";
import { retryDelay } from "./retry.js";

export class Watch {
  #onNews;
  #onLost;
  #source = null;
  #attempt = 0;
  #timer = 0;
  #heardAt = 0;

  /** `onNews(changes)` with what has changed, `onLost()` when nothing comes any more; it comes back by itself. */
  constructor({ onNews, onLost }) {
    this.#onNews = onNews;
    this.#onLost = onLost;
    setInterval(() => this.#source && performance.now() - this.#heardAt > SILENCE_MS_MAX && this.#failed(), 1000);
    // Who does not look need not be told.
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#close() : this.#connect()));
    addEventListener("pageshow", (event) => event.persisted && this.#connect());
    if (!document.hidden) this.#connect();
  }

  #connect() {
    this.#close();
    this.#heardAt = performance.now();
    const source = new EventSource("yard/events");
    this.#source = source;
    source.onerror = () => source === this.#source && this.#failed();
    source.addEventListener("yard", (event) => {
      this.#attempt = 0;
      this.#heardAt = performance.now();
      this.#onNews(JSON.parse(event.data));
    });
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #failed() {
    this.#close();
    this.#attempt += 1;
    // A replica that stops ends its events, and another one goes on: nobody need be told.
    if (this.#attempt > 1) this.#onLost();
    this.#timer = setTimeout(() => this.#connect(), retryDelay(this.#attempt));
  }
}
