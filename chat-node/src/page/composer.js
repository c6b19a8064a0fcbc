// The box that messages are written in.

import { byId } from "./dom.js";
import { CONTENT_CHARS_MAX, DRAFTS_MAX, length } from "./limits.js";
import { recallDrafts, rememberDrafts } from "./storage.js";

/** From here on it says how much room is left. */
const COUNT_FROM = CONTENT_CHARS_MAX - 500;

export class Composer {
  #field = byId("text");
  #hint = byId("composer-hint");
  #drafts = recallDrafts();
  #usualHint = "";

  /** `onSend(text)` says what is in the way, or nothing; then the box is emptied. */
  constructor({ onSend }) {
    const hasKeyboard = !matchMedia("(pointer: coarse)").matches;
    this.#usualHint = hasKeyboard ? "Enter sends, Shift and Enter begin a new line." : "";
    this.#hint.textContent = this.#usualHint;
    const send = () => {
      const text = this.#field.value;
      if (!text.trim()) return;
      const obstacle = length(text) > CONTENT_CHARS_MAX ? tooLong(text) : onSend(text);
      if (obstacle) this.#say(obstacle, true);
      else this.text = "";
      this.#field.focus();
    };
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      send();
    });
    this.#field.addEventListener("input", () => this.#changed());
    this.#field.addEventListener("keydown", (event) => {
      // On a phone, Enter begins a line, as everywhere there.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || !hasKeyboard) return;
      event.preventDefault();
      send();
    });
  }

  get text() {
    return this.#field.value;
  }

  set text(text) {
    this.#field.value = text;
    this.#changed();
  }

  /** Puts this before what is written already. */
  prepend(text) {
    this.text = this.text ? `${text}\n${this.text}` : text;
    this.#field.focus();
  }

  /** Takes the text out, and keeps it for its room. */
  keepDraft(roomId) {
    this.addDraft(roomId, [this.text]);
    this.text = "";
  }

  /** Keeps more text for a room, such as messages that did not get there, above what is kept of it already. */
  addDraft(roomId, texts) {
    const draft = [...texts, this.#drafts.get(roomId)].filter(Boolean).join("\n");
    this.#drafts.delete(roomId);
    if (draft) this.#drafts.set(roomId, draft);
    if (this.#drafts.size > DRAFTS_MAX) this.#drafts.delete(this.#drafts.keys().next().value);
    rememberDrafts(this.#drafts);
  }

  /** Takes up the text that was kept for this room. */
  open(roomId, roomName) {
    byId("text-label").textContent = `Message to ${roomName}`;
    if (!this.text) this.text = this.#drafts.get(roomId) ?? "";
    this.#drafts.delete(roomId);
    rememberDrafts(this.#drafts);
  }

  focus() {
    this.#field.focus();
  }

  /** Obstacles are over. */
  clearHint() {
    this.#changed();
  }

  #changed() {
    const chars = length(this.#field.value);
    if (chars > CONTENT_CHARS_MAX) this.#say(tooLong(this.#field.value), true);
    else if (chars > COUNT_FROM) this.#say(`${CONTENT_CHARS_MAX - chars} characters left.`, false);
    else this.#say(this.#usualHint, false);
    // As high as its text, up to what the style sheet allows.
    this.#field.style.height = "auto";
    this.#field.style.height = `${this.#field.scrollHeight + 2}px`;
  }

  #say(text, isObstacle) {
    this.#hint.textContent = text;
    this.#hint.classList.toggle("error", isObstacle);
    if (isObstacle) this.#hint.setAttribute("role", "alert");
    else this.#hint.removeAttribute("role");
  }
}

const tooLong = (text) =>
  `That has ${length(text)} characters; at most ${CONTENT_CHARS_MAX} are possible. Shorten it, or send it in parts.`;
