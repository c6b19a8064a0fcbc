// The latest coins, each with a check. While somebody looks at the list, it holds still.

import { announce, byId, make, write } from "./dom.js";
import { COINS_SHOWN, PRESS_MS } from "./limits.js";
import { count, timeOfDay } from "./numbers.js";
import { check, sentence, show } from "./proof.js";

/** A coin's id is its place in the ledger: a time, and a number. */
function newestFirst({ id: one }, { id: other }) {
  const [[time, number], [otherTime, otherNumber]] = [one.split("-"), other.split("-")];
  return otherTime - time || otherNumber - number;
}

/** Who, and the nonce: where there is little room, each on a line. */
function parts(message) {
  const end = message.lastIndexOf(":") + 1;
  return [message.slice(0, end), message.slice(end)].map((text) => make("span", { text }));
}

export class Coins {
  /** The newest first. */
  #coins = [];
  #items = new Map();
  #newer = 0;
  /** The API has told of coins, or that there are none. */
  #isTold = false;
  #isPressed = false;
  #isPointed = false;
  #onTry;

  /** `onTry(text, difficulty)` puts a coin where it can be changed. */
  constructor({ onTry }) {
    this.#onTry = onTry;
    const list = byId("coins");
    byId("hold").addEventListener("click", () => this.#press(!this.#isPressed));
    // What is pressed must not move away before it is let go: that would be no click.
    list.addEventListener("pointerdown", () => this.#point(true));
    for (const end of ["pointerup", "pointercancel"]) {
      addEventListener(end, ({ pointerType }) => pointerType !== "mouse" && setTimeout(() => this.#point(false), PRESS_MS));
    }
    // Only a mouse hovers.
    list.addEventListener("pointerenter", ({ pointerType }) => pointerType === "mouse" && this.#point(true));
    list.addEventListener("pointerleave", ({ pointerType }) => pointerType === "mouse" && this.#point(false));
    list.addEventListener("focusout", () => setTimeout(() => this.#show()));
  }

  /** Takes coins that are new, or known already. */
  add(coins) {
    this.#isTold = true;
    const known = new Set(this.#coins.map(({ id }) => id));
    const fresh = coins.filter(({ id }) => !known.has(id));
    this.#newer += fresh.length;
    this.#coins = [...fresh, ...this.#coins].sort(newestFirst).slice(0, COINS_SHOWN);
    this.#show();
  }

  /** The ledger was emptied, or is empty. */
  clear() {
    this.#isTold = true;
    this.#coins = [];
    this.#show();
  }

  get #isHeld() {
    return this.#isPressed || this.#isPointed || byId("coins").contains(document.activeElement);
  }

  #press(isPressed) {
    this.#isPressed = isPressed;
    byId("hold").setAttribute("aria-pressed", isPressed);
    this.#show();
  }

  #point(isPointed) {
    if (this.#isPointed === isPointed) return;
    this.#isPointed = isPointed;
    this.#show();
  }

  #show() {
    const isHeld = this.#isHeld && this.#items.size > 0;
    if (!isHeld) this.#newer = 0;
    // Always one line, so that a finger that holds the list does not move it.
    write(byId("held"), isHeld ? `Held, ${count(this.#newer, "newer coin")}` : "The newest first");
    if (isHeld) return;
    const items = new Map();
    for (const coin of this.#coins) items.set(coin.id, this.#items.get(coin.id) ?? this.#item(coin));
    this.#items = items;
    byId("coins").replaceChildren(...items.values());
    byId("coins-none").hidden = items.size > 0 || !this.#isTold;
  }

  #item(coin) {
    const { id, message, hash, difficulty, recorded_at } = coin;
    const result = make("div", { class: "outcome", hidden: "" });
    const name = `coin-${id}`;
    const button = make("button", { type: "button", class: "verify", text: "Verify", "aria-describedby": name });
    button.addEventListener("click", () => {
      // The list would push the outcome away.
      this.#press(true);
      const outcome = check(message, difficulty, hash);
      const change = make("button", { type: "button", class: "quiet", text: "Change it and see" });
      change.addEventListener("click", () => this.#onTry(message, difficulty));
      result.dataset.good = outcome.isGood;
      result.replaceChildren(...show(outcome), change);
      result.hidden = false;
      announce(sentence(outcome));
    });
    return make("li", { class: "coin" },
      make("span", { class: "message", id: name }, ...parts(message)),
      make("span", { class: "coin-facts" }, make("time", { datetime: recorded_at, text: timeOfDay(recorded_at) }), ` · ${difficulty} bits`),
      button, result);
  }
}
