// What a reload does not lose. A browser that forbids storing only makes the page forgetful.

const NAME = "swarmyard-chat-name";
const DRAFTS = "swarmyard-chat-drafts";
const ROOMS = "swarmyard-chat-rooms";
const NUMBERS = "swarmyard-chat-numbers";

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

/** The rooms that this tab is in, with the number of the last message seen in each. */
export const recallRooms = () => attempt(() => new Map(JSON.parse(sessionStorage.getItem(ROOMS) ?? "[]"))) ?? new Map();

export function rememberRooms(rooms) {
  attempt(() => sessionStorage.setItem(ROOMS, JSON.stringify([...rooms])));
}

/** Whether messages show their numbers. */
export const recallNumbers = () => attempt(() => localStorage.getItem(NUMBERS)) === "shown";

export function rememberNumbers(areShown) {
  attempt(() => localStorage.setItem(NUMBERS, areShown ? "shown" : ""));
}

function attempt(action) {
  try {
    return action();
  } catch (error) {
    console.info("this browser does not let the page remember:", error);
    return null;
  }
}
