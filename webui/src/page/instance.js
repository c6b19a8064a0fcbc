// What is known of an instance, in the words of the page.

import { age } from "./numbers.js";

const NAMED_BY_ENGINE = /^[0-9a-f]{12}$/;

/** `producer.1`, of what a Swarm calls `yard_producer.1@pi1`; a container's own number comes after the service. */
export function called({ name, served_by: servedBy, host }) {
  const [task] = servedBy.split("@");
  if (servedBy === host || NAMED_BY_ENGINE.test(task)) return `${name} ${task}`;
  return task.slice(task.lastIndexOf("_") + 1);
}

/** The machine; null when nobody tells. */
export const nodeOf = ({ node, served_by: servedBy }) => node || servedBy.split("@")[1] || null;

/** `ready`, `unready` or `silent`; `gone` when it is not waited for any more. */
export function stateOf({ state, ready }) {
  if (state !== "answers") return state;
  return ready === false ? "unready" : "ready";
}

/** The state in words, with the reason. */
export function stateText({ name, state, ready, reason }) {
  if (name === "miner") return state === "answers" ? "at work" : "no news";
  if (state !== "answers") return "no answer";
  if (ready === false) return reason ? `not ready: ${reason}` : "not ready";
  return ready === null || ready === undefined ? "answers" : "ready";
}

/** What breaks it on purpose, each in words. `endsAt` is a moment of `performance.now()`; a miner tells none. */
export const brokenBy = ({ knobs }) => (knobs ?? []).map(({ effect, endsAt }) =>
  (endsAt === null ? effect : `${effect}, for another ${age(Math.max(0, endsAt - performance.now()) / 1000)}`));

/** How long it has been there. `since` is a moment of `performance.now()`. */
export const uptime = ({ since }) => (since === null ? "" : `up ${age((performance.now() - since) / 1000)}`);

/** A miner reports through the ledger: what the API says of it, as other instances say it of themselves. */
export function minerAsInstance(miner, isLive, now) {
  const [task, node] = miner.name.split(" on ");
  const { uptime_seconds: seconds } = miner;
  return {
    id: `ledger ${miner.id}`,
    name: "miner",
    isSecondHand: true,
    host: "",
    served_by: miner.served_by ?? task,
    node: miner.node ?? node ?? null,
    architecture: miner.architecture ?? null,
    version: miner.version ?? null,
    state: isLive ? "answers" : "silent",
    ready: null,
    since: seconds === null || seconds === undefined ? null : now - seconds * 1000 - silence(miner),
    rate: miner.coins_per_second_10s ?? 0,
    knobs: (miner.knobs ?? "").split(", ").filter(Boolean).map((knob) => ({ effect: knob, endsAt: null })),
  };
}

/** Milliseconds since the ledger heard of a miner, as far as both clocks agree. */
const silence = ({ last_seen: seen }) => Math.max(0, Math.min(Date.now() - Date.parse(seen), 15_000)) || 0;

/** Redis does not speak for itself: the API says whether it answers. */
export function redisAsInstance({ stale, source }) {
  const answers = !stale && source !== "replica";
  const reason = stale ? "does not answer the API" : "does not answer the API, which reads the replica";
  return {
    id: "redis",
    name: "redis",
    isSecondHand: true,
    host: "",
    served_by: "redis",
    node: null,
    architecture: null,
    version: null,
    state: "answers",
    ready: answers ? null : false,
    reason,
    since: null,
    rate: null,
  };
}
