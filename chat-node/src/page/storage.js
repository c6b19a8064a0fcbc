// What a reload does not lose. A browser that forbids storing only makes the page forgetful.

const NAME = "swarmyard-chat-name";
const DRAFTS = "swarmyard-chat-drafts";

/** The name: of this tab first, so that two tabs can be two people; then of this browser. */
export const recallName = () => attempt(() => sessionStorage.getItem(NAME) || localStorage.getItem(NAME)) || "";

export function rememberName(name) {
  attempt(() => sessionStorage.setItem(NAME, name));
  attempt(() => localStorage.setItem(NAME, name));
}

/** Unsent text, by the id of its room. */
export const recallDrafts = () => attempt(() => new Map(JSON.parse(sessionStorage.getItem(DRAFTS) ?? "[]"))) ?? new Map();

export function rememberDrafts(drafts) {
  attempt(() => sessionStorage.setItem(DRAFTS, JSON.stringify([...drafts])));
}

function attempt(action) {
  try {
    return action();
  } catch (error) {
    console.info("this browser does not let the page remember:", error);
    return null;
  }
}
