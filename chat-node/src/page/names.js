// Names of people and rooms, as they are shown.

import { make } from "./dom.js";

// Joiners and selectors change how their neighbours look; the rest of these shows as nothing, or turns the text around.
const UNSEEN = /(?![\u200c\u200d\ufe0e\ufe0f])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** A name from anywhere, in which everything is seen: `al{200b}ice`. Nodes of other makes take any text. */
export function visible(name) {
  const seen = name.replace(UNSEEN, (character) => `{${character.codePointAt(0).toString(16)}}`);
  return seen.trim() ? seen : `{${name.length} blanks}`;
}

/** A person's or room's name within a sentence, so that its writing direction stays its own. */
export const bdi = (name) => make("bdi", { text: visible(name) });

/** One of eight colours, always the same for a name. */
export function hue(name) {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + character.codePointAt(0)) % 1000003;
  return hash % 8;
}

/** The letter that stands for a name. */
export const initial = (name) => ([...name.trim()][0] ?? "?").toLocaleUpperCase();
