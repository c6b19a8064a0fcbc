// What a message says, as nodes: text, with its links and its commands. Nothing of it is ever read as HTML.

import { make } from "./dom.js";

/** In this order: a block between lines of ```, `a command`, lines that begin with a prompt such as `pi1$ `, an address. */
const PARTS = new RegExp(
  [
    /^```[^\n`]*\n(?<block>[^]*?)\n?^```$/,
    /`(?<code>[^`\n]+)`/,
    /^(?<prompt>[a-z0-9.@~:/-]*[$] \S[^\n]*(?:\n[a-z0-9.@~:/-]*[$] \S[^\n]*)*)$/,
    /(?<link>\bhttps?:\/\/[^\s<>"`]+)/,
  ].map(({ source }) => source).join("|"),
  "gmu",
);

/** Signs that end the sentence around an address, rather than the address. */
const SENTENCE_END = /[.,;:!?'"»”’\]}]+$/u;

/** The nodes for a message's text. */
export function content(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(PARTS)) {
    const { block, code, prompt, link } = match.groups;
    const made = block !== undefined || prompt !== undefined ? preformatted(block ?? prompt) : code ? inline(code) : address(link);
    if (!made) continue;
    nodes.push(text.slice(end, match.index), made.node);
    end = match.index + (made.length ?? match[0].length);
    // A block stands on lines of its own: the break behind it is not one more.
    if (made.isBlock && text[end] === "\n") end += 1;
  }
  nodes.push(text.slice(end));
  return nodes.filter((node) => node !== "");
}

const inline = (text) => ({ node: make("code", { text }) });

const preformatted = (text) => ({ node: make("pre", { tabindex: 0 }, make("code", { text })), isBlock: true });

/** A link; what is shown is all of where it leads. */
function address(text) {
  let length = text.length - (SENTENCE_END.exec(text)?.[0].length ?? 0);
  // A bracket belongs to the address when it was opened within it.
  while (text[length - 1] === ")" && !isBalanced(text.slice(0, length))) length -= 1;
  const href = text.slice(0, length).replace(SENTENCE_END, "");
  if (!URL.canParse(href)) return null;
  const node = make("a", { href, target: "_blank", rel: "noopener noreferrer nofollow", text: href });
  return { node, length: href.length };
}

const isBalanced = (text) => text.split("(").length === text.split(")").length;
