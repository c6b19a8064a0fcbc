// Load above, replicas below, over the same time; drawn as SVG in real pixels, so that its text has the size of other
// text.

import { byId, count, draw, write } from "./dom.js";
import { figure, span, timeOfDay } from "./numbers.js";

const STEPS = [1, 2, 5];

/** How many decisions the whole width is for, at least. */
const MOMENTS_MIN = 20;

/** A round step that divides `most` into four parts or fewer. */
function roundStep(most, least) {
  for (let size = least; ; size *= 10) {
    const step = STEPS.find((step) => step * size * 4 >= most);
    if (step) return step * size;
  }
}

export class Chart {
  #data = null;

  constructor() {
    new ResizeObserver(() => this.#draw()).observe(byId("chart"));
  }

  /** Draws what the autoscaler tells. */
  show(data) {
    this.#data = data;
    this.#draw();
    write(byId("chart-summary"), summary(data.moments));
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = byId("chart");
    if (width === 0 || !this.#data?.moments.length) return;
    const { moments, target, interval_seconds: interval } = this.#data;
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const end = moments.at(-1).at_milliseconds;
    const begin = Math.min(moments[0].at_milliseconds, end - interval * 1000 * MOMENTS_MIN);
    const area = { left: rem * 3, right: width - rem * 0.5 };
    const x = ({ at_milliseconds: at }) => area.left + ((area.right - area.left) * (at - begin)) / (end - begin);
    const middle = height * 0.52;
    const loads = moments.flatMap(({ load, replicas }) => [load ?? 0, replicas * target]);
    const numbers = moments.flatMap(({ replicas, highest, needed, decided }) => [replicas, highest, needed, decided]);
    const above = scale(loads, 0.1, rem * 0.6, middle - rem);
    const below = scale(numbers, 1, middle + rem * 0.6, height - rem * 1.8);

    const named = { role: "img", "aria-labelledby": "chart-title", "aria-describedby": "chart-summary" };
    const svg = draw("svg", { width, height, ...named });
    for (const { ticks, y } of [above, below]) {
      for (const tick of ticks) {
        const place = { x: area.left - rem * 0.5, y: y(tick), dy: "0.35em", "text-anchor": "end" };
        svg.append(
          draw("line", { class: "grid", x1: area.left, x2: area.right, y1: y(tick), y2: y(tick) }),
          draw("text", { class: "tick", ...place, text: figure(tick) }),
        );
      }
    }
    for (const part of [0, 0.5, 1]) {
      const place = area.left + (area.right - area.left) * part;
      const anchor = ["start", "middle", "end"][part * 2];
      const text = timeOfDay(begin + (end - begin) * part);
      svg.append(draw("text", { class: "tick", x: place, y: height - rem * 0.4, "text-anchor": anchor, text }));
    }
    const { y: load } = above;
    const { y: number } = below;
    svg.append(
      draw("path", { class: "load", d: areas(moments, x, load) }),
      draw("path", { class: "wanted", d: steps(moments, x, ({ replicas }) => load(replicas * target)) }),
      draw("path", { class: "highest", d: steps(moments, x, ({ highest }) => number(highest)) }),
      draw("path", { class: "needed", d: steps(moments, x, ({ needed }) => number(needed)) }),
      draw("path", { class: "replicas", d: steps(moments, x, ({ replicas }) => number(replicas)) }),
    );
    byId("chart").replaceChildren(svg);
  }
}

/** Where values are between `bottom` and `top`, and which of them have a line. */
function scale(values, least, top, bottom) {
  const step = roundStep(Math.max(...values), least);
  const most = Math.max(step, Math.ceil(Math.max(...values) / step) * step);
  const ticks = Array.from({ length: Math.round(most / step) + 1 }, (_, index) => index * step);
  return { ticks, y: (value) => bottom - ((bottom - top) * value) / most };
}

const point = (number) => number.toFixed(1);

/** A line that stays what it is until the next decision. */
function steps(moments, x, y) {
  return moments.map((moment, index) => {
    const [across, down] = [point(x(moment)), point(y(moment))];
    return index === 0 ? `M${across} ${down}` : `H${across}V${down}`;
  }).join("");
}

/** The load of each time up to its decision, as an area; none where nobody told. */
function areas(moments, x, y) {
  return moments.slice(1).map((moment, index) => {
    if (moment.load === null) return "";
    return `M${point(x(moments[index]))} ${point(y(0))}V${point(y(moment.load))}H${point(x(moment))}V${point(y(0))}Z`;
  }).join("");
}

/** The chart in words. */
function summary(moments) {
  const replicas = moments.map(({ replicas }) => replicas);
  const loads = moments.map(({ load }) => load).filter((load) => load !== null);
  const changes = moments.filter(({ replicas, decided }) => replicas !== decided).length;
  const seconds = (moments.at(-1).at_milliseconds - moments[0].at_milliseconds) / 1000;
  const range = [Math.min(...loads), Math.max(...loads)].map(figure).join(" to ");
  const load = loads.length === 0 ? "no figures" : `${range} requests in flight`;
  const [least, most] = [Math.min(...replicas), Math.max(...replicas)];
  const number = least === most ? count(most, "replica") : `${least} to ${most} replicas`;
  return `In the last ${span(seconds)}: ${load}, ${number}, ${count(changes, "change")}.`;
}
