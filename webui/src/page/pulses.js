// Requests as they pass: a pulse at some of those that have just answered one, spread over the second until the next
// news. Only what the compositor does alone, and few at a time: it must cost next to nothing.

import { PULSE_MS, PULSES_MAX } from "./limits.js";

const stillness = matchMedia("(prefers-reduced-motion: reduce)");

const KEYFRAMES = [{ transform: "scale(1.8)", opacity: 0.35 }, { transform: "none", opacity: 1 }];

let timers = [];

/** Has elements pulse, those of the busiest first: `[{ element, rate }]`. */
export function pulse(busy) {
  for (const timer of timers) clearTimeout(timer);
  timers = [];
  if (stillness.matches || document.hidden) return;
  const chosen = busy.sort((one, other) => other.rate - one.rate).slice(0, PULSES_MAX);
  timers = chosen.map(({ element }, index) => {
    const start = (index * (1000 - PULSE_MS)) / chosen.length;
    return setTimeout(() => element.animate(KEYFRAMES, { duration: PULSE_MS, easing: "ease-out" }), start);
  });
}
