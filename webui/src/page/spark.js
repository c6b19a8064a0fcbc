// A small drawing of the last seconds, a bar each.

import { SPARK_SECONDS } from "./limits.js";

const WIDTH = 90;
const HEIGHT = 18;

let colour = "";
const readColour = () => (colour = getComputedStyle(document.documentElement).getPropertyValue("--accent"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", readColour);

export class Spark {
  canvas = Object.assign(document.createElement("canvas"), { className: "spark" });
  #context;
  #isBlank = true;

  constructor() {
    const scale = devicePixelRatio || 1;
    this.canvas.width = WIDTH * scale;
    this.canvas.height = HEIGHT * scale;
    this.canvas.setAttribute("aria-hidden", "true");
    this.#context = this.canvas.getContext("2d");
    this.#context.scale(scale, scale);
  }

  /** Draws rates, the last of which is of now. The highest is as high as the drawing. */
  draw(rates) {
    const most = Math.max(...rates, 0);
    if (most === 0 && this.#isBlank) return;
    this.#isBlank = most === 0;
    const context = this.#context;
    context.clearRect(0, 0, WIDTH, HEIGHT);
    context.fillStyle = colour || readColour();
    const step = WIDTH / SPARK_SECONDS;
    rates.forEach((rate, index) => {
      if (rate === 0) return;
      const height = Math.max(2, (HEIGHT * rate) / most);
      context.fillRect(WIDTH - (rates.length - index) * step, HEIGHT - height, step - 1, height);
    });
  }
}
