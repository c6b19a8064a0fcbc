// Numbers and times for people.

/** `1,234,567`. */
export const whole = (number) => Math.round(number).toLocaleString("en");

/** `1 coin`, `2 coins`. */
export const count = (number, noun) => `${whole(number)} ${noun}${number === 1 ? "" : "s"}`;

/** A rate: `0.4`, `3.1`, `42`, `12,345`. */
export function rate(number) {
  const digits = number < 9.95 ? 1 : 0;
  return number.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

const SIZES = [["billion", 1e9], ["million", 1e6], ["thousand", 1e3]];

/** A large number with three digits: `21.4 million`. */
export function large(number) {
  const [word, size] = SIZES.find(([, size]) => number >= size * 0.9995) ?? ["", 1];
  const digits = { maximumSignificantDigits: size === 1 && number >= 1000 ? 4 : 3 };
  return `${(number / size).toLocaleString("en", digits)} ${word}`.trim();
}

/** `8 s`, `3 min`, `2 h`. */
export function age(seconds) {
  if (seconds < 100) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

/** The time of day, here, of a time as the API writes it. */
export function timeOfDay(text) {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? "–" : time.toLocaleTimeString("en-GB");
}
