// How long, how many. Lengths count Unicode code points, as the node does; a longer text is refused
// here with a sentence, before the node would.

export const NAME_CHARS_MAX = 100;
export const ROOM_NAME_CHARS_MAX = 200;
export const DESCRIPTION_CHARS_MAX = 2000;
export const CONTENT_CHARS_MAX = 5000;

/** Lines of a room that the page holds; the oldest go first. More than the node's history of 100. */
export const LINES_SHOWN_MAX = 500;
/** Messages by whose ids doubles are known; the oldest are forgotten first. */
export const IDS_REMEMBERED_MAX = 2000;
/** Rooms in the list; the filter finds the others. */
export const ROOMS_SHOWN_MAX = 300;
/** Members in the list; of the others only the number is shown. */
export const MEMBERS_SHOWN_MAX = 200;
/** Messages on their way, or refused and not yet discarded; then the next stays in the box. */
export const OUTBOX_MAX = 20;

/** Rooms that one is in at the same time; with one more, the one that was not looked at for longest is left. */
export const ROOMS_JOINED_MAX = 20;
/** Rooms whose unsent text is kept; the oldest text is dropped first. */
export const DRAFTS_MAX = 20;

/** Longest wait for a connection to open; then it is tried again. */
export const CONNECT_TIMEOUT_MS = 10_000;
/** Longest wait for an answer; then the connection counts as lost. A deletion may take 15 s. */
export const REPLY_TIMEOUT_MS = 25_000;
/** A connection that lasted this long was a good one: waits start from the shortest again. */
export const STABLE_MS = 5_000;

/** Time between two looks at the nodes and their rooms: a change is seen within 3 s. In the background, it is only to
 * notice a connection that is dead. */
export const LOOK_MS = 2_500;
export const LOOK_HIDDEN_MS = 60_000;

export const length = (text) => [...text].length;
