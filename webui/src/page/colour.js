// A colour, and a shape, that a name keeps wherever and whenever it is shown.

/** Degrees between the colours of names that follow each other: the golden angle, so that many stay apart. */
const HUE_STEP = 137.5;

/** Colours are not seen by everybody. */
const SHAPES = ["●", "■", "▲", "◆", "★", "✚", "▼", "⬟"];

const number = (name) => [...name].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 10_007, 0);

/** A hue in degrees. */
export const hue = (name) => Math.round(number(name) * HUE_STEP) % 360;

export const shape = (name) => SHAPES[number(name) % SHAPES.length];
