// Small helpers for the document. Text from people only ever becomes text nodes and attributes.

export const byId = (id) => document.getElementById(id);

/** A new element. `text` becomes its text; everything else an attribute, unless it is false or null. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// Joiners and selectors change how their neighbours look; the rest of these shows as nothing, or turns the text around.
const UNSEEN = /(?![\u200c\u200d\ufe0e\ufe0f])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** A name from anywhere, in which everything is seen: `al{200b}ice`. Nodes of other makes take any text. */
export function visible(name) {
  const seen = name.replace(UNSEEN, (character) => `{${character.codePointAt(0).toString(16)}}`);
  return seen.trim() ? seen : `{${name.length} blanks}`;
}

/** A person's or room's name within a sentence, so that its writing direction stays its own. */
export const bdi = (name) => make("bdi", { text: visible(name) });

/** Has a screen reader say `text`. */
export function announce(text) {
  byId("announcer").textContent = text;
}

/** `1 message`, `2 messages`. */
export const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

/** One of eight colours, always the same for a name. */
export function hue(name) {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)) % 1000003;
  return hash % 8;
}

/** The letter that stands for a name. */
export const initial = (name) => ([...name.trim()][0] ?? "?").toLocaleUpperCase();
