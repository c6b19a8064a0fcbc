// Coins a second over time, drawn as SVG in real pixels, so that its text has the size of other text.

import { byId, draw, write } from "./dom.js";
import { CHART_SECONDS_MIN, MEAN_SECONDS } from "./limits.js";
import { age, count, rate, whole } from "./numbers.js";
import { means } from "./series.js";

const TICK_STEPS = [1, 2, 5];

/** A round step that divides `most` into five parts or fewer. */
export function roundStep(most) {
  for (let size = 1; ; size *= 10) {
    const step = TICK_STEPS.find((step) => (step * size * 5) >= most);
    if (step) return step * size;
  }
}

const timeStep = (seconds, most) => [10, 20, 30, 60].find((step) => seconds / step <= most) ?? 120;

export class Chart {
  #values = [];

  constructor() {
    new ResizeObserver(() => this.#draw()).observe(byId("chart"));
  }

  /** Draws the counts, a second each, of which null is not known; the last is of now. */
  show(values) {
    this.#values = values;
    this.#draw();
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = byId("chart");
    if (width === 0 || this.#values.length === 0) return;
    const seconds = Math.max(CHART_SECONDS_MIN, this.#values.length);
    const values = [...Array(seconds - this.#values.length).fill(null), ...this.#values];
    const mean = means(values, MEAN_SECONDS);
    const most = Math.max(1, ...values.filter((value) => value !== null));
    const step = roundStep(most);
    const top = Math.ceil(most / step) * step;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const left = rem * (0.9 + 0.52 * whole(top).length);
    const area = { left, top: rem * 0.6, right: width - rem * 0.4, bottom: height - rem * 1.7 };
    const x = (second) => area.left + ((area.right - area.left) * second) / seconds;
    const y = (value) => area.bottom - ((area.bottom - area.top) * value) / top;

    const svg = draw("svg", { width, height, role: "img", "aria-labelledby": "chart-title", "aria-describedby": "chart-summary" });
    for (let value = 0; value <= top; value += step) {
      svg.append(
        draw("line", { class: "grid", x1: area.left, x2: area.right, y1: y(value), y2: y(value) }),
        draw("text", { class: "tick", x: area.left - rem * 0.5, y: y(value), dy: "0.35em", "text-anchor": "end", text: whole(value) }),
      );
    }
    // A phone has no room for six.
    const times = Math.min(6, (area.right - area.left) / (rem * 5));
    for (let ago = 0; ago < seconds; ago += timeStep(seconds, times)) {
      const place = x(seconds - ago);
      const text = ago === 0 ? "now" : `${age(ago)} ago`;
      const isRoom = place - area.left > rem * 2;
      svg.append(draw("line", { class: "mark", x1: place, x2: place, y1: area.bottom, y2: area.bottom + rem * 0.3 }));
      if (isRoom) svg.append(draw("text", { class: "tick", x: place, y: height - rem * 0.25, "text-anchor": ago === 0 ? "end" : "middle", text }));
    }
    svg.append(
      draw("path", { class: "seconds", d: steps(values, x, y) }),
      draw("path", { class: "mean", d: line(mean, x, y) }),
    );
    for (const { middle, length } of holes(this.#values)) {
      const second = seconds - this.#values.length + middle;
      const isRoom = x(length) - area.left > rem * 6;
      const place = { x: x(second), y: y(top / 2), "text-anchor": "middle" };
      if (isRoom) svg.append(draw("text", { class: "tick", ...place, text: "no figures" }));
    }
    byId("chart").replaceChildren(svg);
    write(byId("chart-summary"), summary(values, mean));
  }
}

/** What each second gave, as an area of steps for each stretch of known seconds. */
function steps(values, x, y) {
  return stretches(values).map(({ first, stretch }) => {
    const tops = stretch.map((value, index) => `V${point(y(value))}H${point(x(first + index + 1))}`);
    return `M${point(x(first))} ${point(y(0))}${tops.join("")}V${point(y(0))}Z`;
  }).join("");
}

/** A line through the middles of seconds. */
function line(values, x, y) {
  return stretches(values).map(({ first, stretch }) =>
    stretch.map((value, index) => `${index ? "L" : "M"}${point(x(first + index + 0.5))} ${point(y(value))}`).join(""),
  ).join("");
}

const point = (number) => number.toFixed(1);

/** The parts without null, and where each begins. */
function stretches(values) {
  const found = [];
  values.forEach((value, index) => {
    if (value === null) return;
    if (index === 0 || values[index - 1] === null) found.push({ first: index, stretch: [] });
    found.at(-1).stretch.push(value);
  });
  return found;
}

/** The seconds without figures after the first known one: how many follow each other, and where their middle is. */
function holes(values) {
  const known = stretches(values);
  return known.map(({ first, stretch }, index) => {
    const begin = first + stretch.length;
    const end = known[index + 1]?.first ?? values.length;
    return { middle: (begin + end) / 2, length: end - begin };
  }).filter(({ length }) => length > 0);
}

/** The chart in words. */
function summary(values, mean) {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return "No figures of this time.";
  const sum = known.reduce((total, value) => total + value, 0);
  const span = age(values.length).replace("min", "minutes").replace(" s", " seconds");
  const unknown = holes(values).reduce((total, { length }) => total + length, 0);
  const missing = unknown > 0 ? ` Of ${count(unknown, "second")} there are no figures.` : "";
  const now = mean.at(-1) === null ? "" : `Now ${rate(mean.at(-1))} a second. `;
  return `${now}In the last ${span} ${rate(sum / known.length)} a second on average, `
    + `${whole(Math.max(...known))} in the best second and ${whole(Math.min(...known))} in the worst.${missing}`;
}
