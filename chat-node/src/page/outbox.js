// A room's messages on their way, and those that did not get there: their text is never lost.

import { byId, make } from "./dom.js";
import { OUTBOX_MAX } from "./limits.js";

export class Outbox {
  #list = make("ol", { class: "outbox", "aria-label": "Not sent yet" });
  #items = [];
  #onRetry;
  #onEdit;

  /** `onRetry(item)` sends once more; `onEdit(text)` takes the text back into the box. */
  constructor({ onRetry, onEdit }) {
    this.#onRetry = onRetry;
    this.#onEdit = onEdit;
  }

  show() {
    byId("outbox").replaceChildren(this.#list);
  }

  hide() {
    this.#list.remove();
  }

  get isFull() {
    return this.#items.length >= OUTBOX_MAX;
  }

  /** A message that is being sent. */
  add(content) {
    const item = { content, state: "sending", hasRejoined: false, line: make("li", { class: "message" }) };
    this.#items.push(item);
    this.#list.append(item.line);
    this.#show(item, "Sending…");
    return item;
  }

  /** The message is being sent again. */
  resend(item) {
    item.state = "sending";
    this.#show(item, "Sending…");
  }

  /** Refused: the reason is shown, and the text kept. */
  fail(item, reason) {
    if (!this.#items.includes(item)) return;
    item.state = "failed";
    this.#show(item, reason);
  }

  /** Nobody knows whether it arrived, before the room's history tells. */
  doubt(item) {
    if (!this.#items.includes(item)) return;
    item.state = "doubtful";
    this.#show(item, "The connection was lost. Whether this arrived will show.");
  }

  /** The history is complete, and did not hold these. */
  failDoubtful() {
    for (const item of this.#items.filter(({ state }) => state === "doubtful")) {
      this.fail(item, "Not sent: the connection was lost.");
    }
  }

  /** It is in the room now. */
  remove(item) {
    this.#items = this.#items.filter((other) => other !== item);
    item.line.remove();
  }

  /** An own message came in: the oldest one with that text is through. */
  arrived(content) {
    const item = this.#items.find((other) => other.content === content && other.state !== "failed");
    if (item) this.remove(item);
  }

  /** Empties it; gives the texts that are not in the room. */
  clear() {
    const unsent = this.#items.filter(({ state }) => state !== "sending").map(({ content }) => content);
    this.#items = [];
    this.#list.replaceChildren();
    return unsent;
  }

  #show(item, text) {
    const state = make("p", { class: "state", text, role: item.state === "failed" ? "alert" : null });
    const bubble = make("div", { class: "bubble" }, make("p", { class: "content", dir: "auto", text: item.content }), state);
    if (item.state === "failed") {
      const button = (label, action) => {
        const made = make("button", { type: "button", class: "quiet", text: label });
        made.addEventListener("click", action);
        return made;
      };
      const retry = button("Try again", () => this.#onRetry(item));
      const edit = button("Edit", () => {
        this.remove(item);
        this.#onEdit(item.content);
      });
      const discard = button("Discard", () => {
        this.remove(item);
        byId("text").focus();
      });
      bubble.append(make("p", { class: "choices" }, retry, edit, discard));
    }
    item.line.dataset.own = "";
    item.line.dataset.state = item.state;
    item.line.replaceChildren(bubble);
  }
}
