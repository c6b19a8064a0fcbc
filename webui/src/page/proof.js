// Whether a text is a coin, and how to show it.

import { make } from "./dom.js";
import { count } from "./numbers.js";
import { sha256 } from "./sha256.js";

/** The zero bits that a hash begins with. */
export function zeroBits(hash) {
  const zeros = hash.match(/^0*/)[0].length;
  return zeros * 4 + (zeros < hash.length ? Math.clz32(parseInt(hash[zeros], 16)) - 28 : 0);
}

/** Computes the hash of a text here. `hash` is what somebody else says it is, if anybody does. */
export function check(text, difficulty, claimed = null) {
  const hash = sha256(text);
  const bits = zeroBits(hash);
  const isClaimTrue = claimed === null || claimed === hash;
  return { hash, bits, difficulty, isClaimTrue, isGood: bits >= difficulty && isClaimTrue };
}

/** The outcome in a sentence. */
export function sentence({ bits, difficulty, isClaimTrue, isGood }) {
  const found = `its hash begins with ${count(bits, "zero bit")}, ${difficulty} are asked for`;
  if (isGood) return `A coin: ${found}.`;
  if (!isClaimTrue) return `Not what it seems: the API tells another hash. Here, ${found}.`;
  return `Not a coin: ${found}.`;
}

/** The outcome with hash and bits, their leading zeros marked. */
export function show(outcome) {
  const { hash, bits, difficulty, isGood } = outcome;
  const digits = Math.min(hash.length, Math.ceil((Math.max(bits, difficulty) + 4) / 4));
  const binary = [...hash.slice(0, digits)].map((digit) => parseInt(digit, 16).toString(2).padStart(4, "0")).join("");
  const groups = (text) => text.replace(/(.{4})(?=.)/g, "$1 ");
  const marked = groups(binary).slice(0, bits + Math.floor(Math.max(0, bits - 1) / 4));
  return [
    make("p", { class: "verdict" },
      make("span", { class: "sign", "aria-hidden": "true", text: isGood ? "✓" : "✗" }), ` ${sentence(outcome)}`),
    make("p", { class: "digits" }, make("span", { class: "digits-name", text: "SHA-256 " }),
      make("mark", { text: hash.match(/^0*/)[0] }), hash.replace(/^0*/, "")),
    make("p", { class: "digits" }, make("span", { class: "digits-name", text: "in bits " }),
      make("mark", { text: marked }), `${groups(binary).slice(marked.length)} …`),
  ];
}
