// The WebSocket: requests and what answers them; lost, it comes back by itself.

import { CONNECT_TIMEOUT_MS, REPLY_TIMEOUT_MS, STABLE_MS } from "./limits.js";
import { retryDelay } from "./retry.js";

/** The frames that answer a request. The node answers the requests of a connection in their order. */
const ANSWERS = {
  list_rooms: ["rooms_list"],
  discover_rooms: ["global_rooms_list"],
  create_room: ["room_created"],
  join_room: ["join_room_success", "join_room_error"],
  send_message: ["message_sent", "message_error"],
  leave_room: ["leave_room_success"],
  // `delete_room_initiated` comes in between.
  delete_room: ["delete_room_success", "delete_room_failed"],
};

export class Connection {
  #url;
  #listener;
  #socket = null;
  #unanswered = [];
  #attempt = 0;
  #openedAt = 0;
  #timer = 0;

  /**
   * `listener.onState({ kind, retryAt?, reason? })` with kind `connecting`, `open` or `waiting`;
   * `listener.onFrame(type, data, request)` with the request that it answers, if it answers one;
   * `listener.onLost(requests)` with those that stay without an answer.
   */
  constructor(url, listener) {
    this.#url = url;
    this.#listener = listener;
    setInterval(() => this.#watch(), 1000);
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Connects now, whatever wait was planned. */
  connect() {
    if (this.#socket) return;
    clearTimeout(this.#timer);
    this.#listener.onState({ kind: "connecting" });
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#lose(socket, ""), CONNECT_TIMEOUT_MS);
    socket.onopen = () => {
      clearTimeout(this.#timer);
      this.#openedAt = Date.now();
      this.#listener.onState({ kind: "open" });
    };
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#lose(socket, event.reason);
  }

  /** Sends a request; `context` comes back with its answer. Says false when there is no connection. */
  request(type, data = {}, context = null) {
    if (!this.isOpen) return false;
    this.#socket.send(JSON.stringify({ type, data }));
    this.#unanswered.push({ type, data, context, at: Date.now() });
    return true;
  }

  #receive(text) {
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      console.warn("a frame that is not JSON", text);
      return;
    }
    const { type, data } = frame ?? {};
    if (typeof type !== "string" || typeof data !== "object" || data === null) {
      console.warn("a frame that is not understood", frame);
      return;
    }
    this.#listener.onFrame(type, data, this.#answered(type));
  }

  #answered(type) {
    const index =
      type === "error" ? 0 : this.#unanswered.findIndex((request) => ANSWERS[request.type].includes(type));
    return index < 0 ? null : (this.#unanswered.splice(index, 1)[0] ?? null);
  }

  /** A connection may be dead without a word: then an answer stays away. */
  #watch() {
    const oldest = this.#unanswered[0];
    if (oldest && Date.now() - oldest.at > REPLY_TIMEOUT_MS) this.#lose(this.#socket, "");
  }

  #lose(socket, reason) {
    if (!socket || socket !== this.#socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#socket = null;
    clearTimeout(this.#timer);
    const isStable = this.#openedAt > 0 && Date.now() - this.#openedAt > STABLE_MS;
    this.#attempt = isStable ? 0 : this.#attempt + 1;
    this.#openedAt = 0;
    const delay = retryDelay(this.#attempt);
    this.#timer = setTimeout(() => this.connect(), delay);
    const lost = this.#unanswered.splice(0);
    this.#listener.onState({ kind: "waiting", retryAt: Date.now() + delay, reason });
    this.#listener.onLost(lost);
  }
}
