// A text of one's own, and what its hash says.

import { byId } from "./dom.js";
import { check, show } from "./proof.js";

export class Checker {
  constructor() {
    for (const id of ["check-text", "check-bits"]) byId(id).addEventListener("input", () => this.#show());
    this.#show();
  }

  /** Puts a coin there, to be changed. */
  take(text, difficulty) {
    byId("check-text").value = text;
    byId("check-bits").value = difficulty;
    this.#show();
    byId("check-text").focus();
  }

  #show() {
    const text = byId("check-text").value;
    const outcome = check(text, byId("check-bits").valueAsNumber || 1);
    byId("check-outcome").hidden = text === "";
    byId("check-outcome").dataset.good = outcome.isGood;
    byId("check-outcome").replaceChildren(...show(outcome));
  }
}
