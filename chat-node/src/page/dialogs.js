// The three questions: your name, a new room, whether a room is to go.

import { byId } from "./dom.js";
import { DESCRIPTION_CHARS_MAX, NAME_CHARS_MAX, ROOM_NAME_CHARS_MAX, length } from "./limits.js";

export class NameDialog {
  #dialog = byId("name-dialog");
  #field = byId("name");
  #canCancel = false;

  /** `onName(name)` with the name that was given. */
  constructor({ onName }) {
    byId("name-cancel").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("cancel", (event) => this.#canCancel || event.preventDefault());
    // A browser may close it all the same; without a name there is no way on.
    this.#dialog.addEventListener("close", () => this.#canCancel || this.ask(""));
    byId("name-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const name = this.#field.value.trim();
      const wrong = tooLong(name, NAME_CHARS_MAX) || (name ? "" : "Type a name first.");
      byId("name-error").textContent = wrong;
      if (wrong) return;
      this.#canCancel = true;
      this.#dialog.close();
      onName(name);
    });
  }

  /** Asks, with `name` to begin with; empty: there is none yet, and the question stays. */
  ask(name) {
    this.#canCancel = name !== "";
    byId("name-cancel").hidden = !this.#canCancel;
    byId("name-error").textContent = "";
    this.#field.value = name;
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#field.select();
  }
}

export class CreateDialog {
  #dialog = byId("create-dialog");
  #name = byId("room-name-input");
  #description = byId("description-input");

  /** `onCreate(name, description)` says false when it cannot even be asked for. */
  constructor({ onCreate }) {
    byId("create-cancel").addEventListener("click", () => this.#dialog.close());
    byId("create-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const name = this.#name.value.trim();
      const description = this.#description.value.trim();
      const wrong =
        tooLong(name, ROOM_NAME_CHARS_MAX) ||
        tooLong(description, DESCRIPTION_CHARS_MAX) ||
        (name ? "" : "Type a name first.");
      if (wrong) this.fail(wrong);
      else if (onCreate(name, description)) this.#setBusy(true);
      else this.fail("There is no connection now. Try again when it is back; your text stays here.");
    });
  }

  ask(node) {
    byId("create-hint").textContent = `It will live on ${node || "this node"}. Everybody on every node can join it.`;
    this.#setBusy(false);
    byId("create-error").textContent = "";
    this.#dialog.showModal();
    this.#name.focus();
  }

  /** The room is not there, because of `reason`. */
  fail(reason) {
    this.#setBusy(false);
    byId("create-error").textContent = reason;
    this.#name.focus();
  }

  /** The room is there. */
  done() {
    this.#name.value = this.#description.value = "";
    this.#dialog.close();
  }

  #setBusy(isBusy) {
    byId("create-submit").disabled = isBusy;
    if (isBusy) byId("create-error").textContent = "";
  }
}

export class DeleteDialog {
  #dialog = byId("delete-dialog");
  #roomId = "";

  /** `onDelete()` says false when it cannot even be asked for. */
  constructor({ onDelete }) {
    byId("delete-cancel").addEventListener("click", () => this.#dialog.close());
    byId("delete-form").addEventListener("submit", (event) => {
      event.preventDefault();
      if (onDelete()) this.progress("Asking the node…");
      else this.fail("There is no connection now. Try again when it is back.");
    });
  }

  /** Asks whether the room is to go; `elsewhere`: the node that alone can do it, if it is not this one. */
  ask(roomId, roomName, elsewhere) {
    this.#roomId = roomId;
    byId("delete-title").textContent = `Delete “${roomName}”?`;
    byId("delete-text").textContent = elsewhere
      ? `This room lives on ${elsewhere}, and only there it can be deleted. Open the page of ${elsewhere}, join under the same name, and delete it there.`
      : "The room and its messages go for everybody, on all nodes, and do not come back. All nodes must agree.";
    this.#show({ canDelete: !elsewhere });
    byId("delete-cancel").textContent = elsewhere ? "Close" : "Keep it";
    this.#dialog.showModal();
    byId("delete-cancel").focus();
  }

  progress(text) {
    this.#show({ text, isBusy: true, canDelete: true });
  }

  /** It stays, because of `reason`. */
  fail(reason) {
    this.#show({ error: reason, canDelete: true });
    if (this.#dialog.open) byId("delete-submit").focus();
  }

  /** Whatever was asked about this room is settled. */
  close(roomId) {
    if (roomId === this.#roomId) this.#dialog.close();
  }

  get isOpen() {
    return this.#dialog.open;
  }

  #show({ text = "", error = "", isBusy = false, canDelete }) {
    byId("delete-progress").textContent = text;
    byId("delete-error").textContent = error;
    byId("delete-submit").disabled = isBusy;
    byId("delete-submit").hidden = !canDelete;
    byId("delete-cancel").textContent = isBusy ? "Close" : "Keep it";
  }
}

function tooLong(text, charsMax) {
  const chars = length(text);
  return chars > charsMax ? `That has ${chars} characters; at most ${charsMax} are possible.` : "";
}
