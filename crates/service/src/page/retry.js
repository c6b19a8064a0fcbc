// How long a page waits before it tries a lost connection again.

/** Bounds of the wait; it doubles in between, and a random half is taken off. */
const RETRY_DELAY_MS_MIN = 500;
const RETRY_DELAY_MS_MAX = 3_000;

/** The wait after so many attempts in a row. Random, so that the clients of what comes back do not come all at once. */
export function retryDelay(attempt) {
  const longest = Math.min(RETRY_DELAY_MS_MIN * 2 ** attempt, RETRY_DELAY_MS_MAX);
  return longest * (0.5 + Math.random() / 2);
}
