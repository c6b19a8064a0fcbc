// The page: what the autoscaler sees, decides and does, asked for again and again.

import { Chart } from "./chart.js";
import { announce, byId, make, write } from "./dom.js";
import { figure, span, timeOfDay } from "./numbers.js";

/** Time between two questions; nothing new comes more often than that, mostly. */
const ASK_MS = 2_000;
/** Longest wait for an answer; then the connection counts as lost. */
const ANSWER_MS_MAX = 5_000;
/** Decisions in the list: half are the newest, half those that changed something last. */
const DECISIONS_SHOWN = 12;

const chart = new Chart();
/** When the newest decision was made that is shown already. */
let shownAt = 0;

function showState(kind) {
  byId("state").dataset.state = document.body.dataset.state = kind;
  write(byId("state-words"), { live: "Live", stuck: "Stuck", lost: "Lost" }[kind]);
}

function showProblem(text) {
  byId("problem").hidden = !text;
  write(byId("problem-text"), text);
}

/** How it is now, by the newest decision. */
function showNow({ service, target, window_seconds: window }, moment) {
  write(byId("service"), service);
  write(byId("window"), `in ${span(window)}`);
  if (!moment) return;
  const { replicas, load, telling, silent, not_ready: notReady, needed, highest } = moment;
  const others = [[silent, "not telling"], [notReady, "not serving"]].filter(([number]) => number > 0);
  write(byId("replicas"), replicas.toLocaleString("en"));
  write(byId("others"), others.map(([number, words]) => `${number} ${words}`).join(", ") || "all serve");
  write(byId("load"), load === null ? "–" : figure(load));
  write(byId("each"), load === null ? "–" : `${figure(load / telling)} of ${figure(target)}`);
  write(byId("needed"), needed.toLocaleString("en"));
  write(byId("highest"), highest.toLocaleString("en"));
  document.title = `${replicas} × ${service}`;
}

const isChange = ({ replicas, decided }) => replicas !== decided;

/** The newest decisions, and older ones that changed something. */
function showDecisions(moments) {
  const changes = moments.filter(isChange).slice(-DECISIONS_SHOWN / 2);
  const newest = moments.slice(-DECISIONS_SHOWN / 2);
  const shown = [...new Set([...changes, ...newest])];
  shown.sort((one, other) => other.at_milliseconds - one.at_milliseconds);
  byId("decisions").replaceChildren(...shown.map((moment) => {
    const at = moment.at_milliseconds;
    return make("li", { class: isChange(moment) ? "change" : null },
      make("time", { datetime: new Date(at).toISOString(), text: timeOfDay(at) }),
      make("span", { text: moment.sentence }));
  }));
}

function show(data) {
  const { moments, problem, is_dry_run: isDryRun, min, max, target } = data;
  const newest = moments.at(-1);
  showState(problem ? "stuck" : "live");
  showProblem(problem ?? "");
  byId("dry-run").hidden = !isDryRun;
  write(byId("rules"), `${min} to ${max} replicas, ${figure(target)} requests each`);
  showNow(data, newest);
  if (!newest || newest.at_milliseconds === shownAt) return;
  // What was there when the page was opened is no news.
  if (shownAt > 0 && isChange(newest)) announce(newest.sentence);
  shownAt = newest.at_milliseconds;
  showDecisions(moments);
  chart.show(data);
}

async function ask() {
  try {
    const answer = await fetch("data", { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    if (!answer.ok) throw new Error(`the answer is HTTP ${answer.status}`);
    show(await answer.json());
  } catch (error) {
    showState("lost");
    showProblem(`The autoscaler does not answer (${error.message}). What is shown is old; it is asked again.`);
  }
  setTimeout(ask, ASK_MS);
}

ask();
