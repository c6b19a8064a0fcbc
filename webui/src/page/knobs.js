// Breaking an instance on purpose: whoever has the services' token turns one of its knobs, for a while.

import { byId, make, write } from "./dom.js";
import { ORDER_TIMEOUT_MS } from "./limits.js";
import { age } from "./numbers.js";

/** What there is to choose: words, the knob, and its terms beside the time. */
const KNOBS = [
  ["Answers half a second later", "latency", { milliseconds: 500 }],
  ["Answers five seconds later", "latency", { milliseconds: 5000 }],
  ["Half of its requests fail", "errors", { percent: 50 }],
  ["All of its requests fail", "errors", { percent: 100 }],
  ["Says that it is not ready", "not-ready", {}],
  ["Hangs", "hang", {}],
  ["Holds 64 MiB of memory", "memory", { mebibytes: 64 }],
  ["Ends as in a crash", "exit", { code: 1 }],
];

const SECONDS = [10, 30, 120, 600];

const collator = new Intl.Collator("en", { numeric: true });

export class Knobs {
  /** The ids of those that can be chosen. */
  #ids = new Set();

  constructor() {
    byId("break-knob").append(...KNOBS.map(([words], index) => make("option", { value: index, text: words })));
    byId("break-time").append(...SECONDS.map((seconds) => make("option", { value: seconds, text: age(seconds) })));
    byId("break-time").value = 30;
    byId("break-knob").addEventListener("change", () => (byId("break-time").disabled = isExit()));
    byId("break-form").addEventListener("submit", (event) => {
      event.preventDefault();
      turnOn();
    });
    byId("break-end").addEventListener("click", takeAllBack);
  }

  /** Shows those that have knobs and can be reached, of these tiles. */
  show(tiles) {
    const breakable = tiles.filter(({ instance: { knobs, state, isSecondHand } }) =>
      knobs && state === "answers" && !isSecondHand);
    if (breakable.length === this.#ids.size && breakable.every(({ instance }) => this.#ids.has(instance.id))) return;
    this.#ids = new Set(breakable.map(({ instance }) => instance.id));
    const options = breakable.map(({ instance: { id }, key, node }) => ({ id, text: node ? `${key} on ${node}` : key }));
    options.sort((one, other) => collator.compare(one.text, other.text));
    const select = byId("break-instance");
    const chosen = select.value;
    select.replaceChildren(...options.map(({ id, text }) => make("option", { value: id, text })));
    if (this.#ids.has(chosen)) select.value = chosen;
    byId("break").hidden = options.length === 0;
  }
}

const isExit = () => KNOBS[byId("break-knob").value][1] === "exit";

async function turnOn() {
  const [, knob, terms] = KNOBS[byId("break-knob").value];
  const seconds = Number(byId("break-time").value);
  const body = JSON.stringify(isExit() ? terms : { ...terms, for_seconds: seconds });
  await order("PUT", `/${knob}`, body, ({ effect }) => (isExit() ? effect : `${effect}, for ${age(seconds)}`));
}

const takeAllBack = () => order("DELETE", "", null, () => "nothing is broken any more");

/** Tells the chosen instance, and then what came of it. */
async function order(method, path, body, say) {
  const instance = byId("break-instance");
  const name = instance.selectedOptions[0].text;
  const outcome = byId("break-outcome");
  outcome.dataset.good = true;
  write(outcome, `${name} is told…`);
  try {
    const answer = await fetch(`yard/instances/${encodeURIComponent(instance.value)}/chaos${path}`, {
      method,
      body,
      headers: { Authorization: `Bearer ${byId("break-token").value}` },
      signal: AbortSignal.timeout(ORDER_TIMEOUT_MS),
    });
    const told = answer.status === 204 ? {} : await answer.json();
    if (!answer.ok) throw new Error(told.message);
    write(outcome, `${name}: ${say(told)}.`);
  } catch (error) {
    outcome.dataset.good = false;
    write(outcome, `${name}: ${error.message}`);
  }
}
