// Numbers and times for people.

/** With a decimal where one counts: `0.4`, `42`. */
export const figure = (number) => number.toLocaleString("en", { maximumFractionDigits: number < 99.95 ? 1 : 0 });

/** `45 s`, `5 min`. */
export function span(seconds) {
  return seconds < 120 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

/** The time of day, here. */
export const timeOfDay = (milliseconds) => new Date(milliseconds).toLocaleTimeString("en-GB");
