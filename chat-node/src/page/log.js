// The lines of a room: messages in the order of their numbers, each once, and what happened.

import { byId, count, hue, initial, make, visible } from "./dom.js";
import { IDS_REMEMBERED_MAX, LINES_SHOWN_MAX } from "./limits.js";

/** Messages of one person this close together share a head. */
const TOGETHER_MS = 5 * 60_000;
/** This near to the end, in pixels, new lines scroll into view by themselves. */
const NEAR_END = 60;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export class Log {
  #list = byId("log");
  #scroller = byId("log-scroll");
  #jump = byId("jump");
  #ids = new Set();
  #isAtEnd = true;
  #top = 0;
  #unseen = 0;

  constructor() {
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#jump.addEventListener("click", () => {
      this.scrollToEnd();
      byId("text").focus();
    });
    // A keyboard that opens, or a box that grows, does not hide the last line.
    new ResizeObserver(() => this.#isAtEnd && this.scrollToEnd()).observe(this.#scroller);
  }

  clear() {
    this.#list.replaceChildren();
    this.#ids.clear();
    this.scrollToEnd();
  }

  /** While a history comes in, nothing is read aloud. */
  setQuiet(isQuiet) {
    this.#list.setAttribute("aria-live", isQuiet ? "off" : "polite");
  }

  /** Puts a message in its place; says whether it was new. */
  addMessage(message, isOwn) {
    if (this.#ids.has(message.message_id)) return false;
    this.#ids.add(message.message_id);
    if (this.#ids.size > IDS_REMEMBERED_MAX) this.#ids.delete(this.#ids.values().next().value);
    const line = messageLine(message, isOwn);
    const next = this.#messageAfter(message.sequence_number);
    if (next) next.before(line);
    else this.#list.append(line);
    arrange(line);
    arrange(followingMessage(line));
    this.#added(!isOwn);
    return true;
  }

  /** A line about what happened; the parts are text, or elements made here. */
  addEvent(...parts) {
    this.#list.append(make("li", { class: "event" }, ...parts));
    this.#added(false);
  }

  /** A line above the message with this number, or at the end. */
  addDivider(number, text) {
    const divider = make("li", { class: "divider", text });
    const line = this.#list.querySelector(`.message[data-number="${number}"]`);
    if (line) line.before(divider);
    else this.#list.append(divider);
    arrange(line);
    this.#added(false);
  }

  scrollToEnd() {
    this.#isAtEnd = true;
    this.#unseen = 0;
    this.#jump.hidden = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  /** After a line was added below the log. */
  follow() {
    requestAnimationFrame(() => this.#isAtEnd && this.scrollToEnd());
  }

  #added(isCounted) {
    while (this.#list.childElementCount > LINES_SHOWN_MAX) this.#list.firstElementChild.remove();
    if (this.#isAtEnd) this.follow();
    else if (isCounted) {
      this.#unseen += 1;
      this.#jump.textContent = `${count(this.#unseen, "new message")} ↓`;
      this.#jump.hidden = false;
    }
  }

  #messageAfter(number) {
    let next = null;
    for (let line = this.#list.lastElementChild; line; line = line.previousElementSibling) {
      if (!line.dataset.number) continue;
      if (Number(line.dataset.number) <= number) break;
      next = line;
    }
    return next;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    // The event may be about a place that was the end, before more lines came: only who goes up leaves it.
    if (scrollTop < this.#top) this.#isAtEnd = false;
    this.#top = scrollTop;
    if (scrollHeight - scrollTop - clientHeight < NEAR_END) {
      this.#isAtEnd = true;
      this.#unseen = 0;
      this.#jump.hidden = true;
    }
  }
}

function messageLine(message, isOwn) {
  const { username, content, sequence_number: number, timestamp } = message;
  const time = new Date(timestamp);
  const isDate = !Number.isNaN(time.getTime());
  const head = make(
    "p",
    { class: "head" },
    make("bdi", { class: "author", text: isOwn ? "You" : visible(username) }),
    " ",
    make("time", {
      datetime: isDate ? time.toISOString() : null,
      title: isDate ? full.format(time) : null,
      text: isDate ? clock.format(time) : "",
    }),
  );
  const line = make(
    "li",
    { class: "message", "data-number": number, "data-own": isOwn ? "" : null },
    make("span", { class: `face hue-${hue(username)}`, "aria-hidden": "true", text: initial(username) }),
    make("div", { class: "bubble" }, head, make("p", { class: "content", dir: "auto", text: content })),
  );
  line.author = username;
  line.time = isDate ? time : null;
  return line;
}

function followingMessage(line) {
  const next = line.nextElementSibling;
  return next?.classList.contains("message") ? next : null;
}

/** Gives a message its head and its day, or shares those of the one before. */
function arrange(line) {
  if (!line) return;
  let before = line.previousElementSibling;
  const isDirect = before?.classList.contains("message") ?? false;
  while (before && !before.classList.contains("message")) before = before.previousElementSibling;
  const isSameDay = !line.time || (before?.time && before.time.toDateString() === line.time.toDateString());
  if (isSameDay) delete line.dataset.day;
  else line.dataset.day = calendar.format(line.time);
  const isTogether =
    isDirect && isSameDay && before.author === line.author && line.time && line.time - before.time < TOGETHER_MS;
  line.classList.toggle("continued", Boolean(isTogether));
}

