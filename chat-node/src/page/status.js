// What the page says of its connection, and its notices.

import { announce, byId } from "./dom.js";

export class Status {
  #node = "";
  #wasOpen = false;
  #isOpen = false;
  #ticker = 0;

  constructor({ onTryNow }) {
    byId("try-now").addEventListener("click", onTryNow);
    byId("dismiss").addEventListener("click", () => this.clearNotice());
  }

  /** The name of the node that one is connected to; `details` for who wants to know more. */
  setNode(name, details) {
    this.#node = name;
    byId("node").title = details;
    if (this.#isOpen) this.#showNode("Connected to", name);
  }

  /** Shows the state of the connection, as `connection.js` gives it. */
  show({ kind, retryAt, reason }) {
    const banner = byId("connection");
    byId("node").dataset.state = kind;
    clearInterval(this.#ticker);
    if (kind === "open") {
      if (!banner.hidden) announce("Connected again.");
      banner.hidden = true;
      this.#wasOpen = this.#isOpen = true;
      this.#showNode(this.#node ? "Connected to" : "Connected", this.#node);
      return;
    }
    if (kind === "connecting") {
      this.#showNode("Connecting…", "");
      byId("connection-wait").textContent = "Trying…";
      byId("try-now").disabled = true;
      return;
    }
    const node = this.#node || "the node";
    const what = this.#wasOpen ? `The connection to ${node} is lost` : `There is no connection to ${node}`;
    const text = `${what}${reason ? ` (“${reason}”)` : ""}. It comes back by itself.`;
    this.#showNode("Not connected", "");
    byId("connection-text").textContent = text;
    byId("try-now").disabled = false;
    if (this.#isOpen || banner.hidden) announce(text);
    this.#isOpen = false;
    banner.hidden = false;
    const tick = () => {
      const seconds = Math.max(1, Math.ceil((retryAt - Date.now()) / 1000));
      byId("connection-wait").textContent = `Next try in ${seconds} s.`;
    };
    tick();
    this.#ticker = setInterval(tick, 1000);
  }

  /** A notice that stays until it is dismissed, or until the next one. */
  notice(text, tone = "plain") {
    byId("notice-text").textContent = text;
    byId("notice").dataset.tone = tone;
    byId("notice").hidden = false;
    announce(text);
  }

  clearNotice() {
    byId("notice").hidden = true;
  }

  /** On a phone, there is only place for the name, if there is one. */
  #showNode(words, name) {
    byId("node-words").textContent = words;
    byId("node-words").classList.toggle("wide-words", name !== "");
    byId("node-name").textContent = name;
  }
}
