// The page: each kind of news, and where it is shown.

import { Chart } from "./chart.js";
import { Checker } from "./checker.js";
import { Coins } from "./coins.js";
import { byId, write } from "./dom.js";
import { Feed } from "./feed.js";
import { Knobs } from "./knobs.js";
import { Miners } from "./miners.js";
import { showNodes } from "./nodes.js";
import { large, rate, whole } from "./numbers.js";
import { showNumbers } from "./producers.js";
import { Series } from "./series.js";
import { Status } from "./status.js";
import { Watch } from "./watch.js";
import { Yard } from "./yard.js";

/** The last total: a smaller one means that the ledger was emptied. */
let blocks = 0;
/** The number of miners at work, when it is known. */
let alive = null;
const miners = new Miners();
const series = new Series();
const chart = new Chart();
const checker = new Checker();
const coins = new Coins({ onTry: (text, difficulty) => checker.take(text, difficulty) });
const status = new Status({ onTryNow: () => feed.connect() });
const yard = new Yard();
const knobs = new Knobs();
const feed = new Feed({
  onState(state) {
    status.show(state);
    if (state.kind !== "open") yard.takeLedger(null);
    showAtWork();
  },
  onAnswer: (replica) => status.answered(replica),
  onReplica: (part, whoami) => status.isAnsweredBy(part, whoami),
  onMiners(answer) {
    miners.show(status.isLive, answer);
    yard.takeMiners(status.isLive, answer);
  },
  onCoins: (list) => coins.add(list),
  onStale(isStale, reason) {
    status.showStale(isStale, reason);
    if (isStale) {
      series.ledgerIsAway();
      yard.takeLedger({ stale: true });
    }
    showAtWork();
  },
  onStats(stats, isEvent) {
    if (isEvent) status.eventsBy(stats.served_by);
    status.showStale(stats.stale);
    status.showSource(stats);
    yard.takeLedger(stats);
    status.takeAge(stats);
    if (stats.blocks < blocks || stats.blocks === 0) coins.clear();
    blocks = stats.blocks;
    alive = stats.miners_alive;
    showFigures(stats);
    showAtWork();
    if (stats.stale) series.ledgerIsAway();
    else series.take(stats.per_second, performance.now());
    showChart();
  },
});

function showFigures(stats) {
  write(byId("total"), whole(stats.blocks));
  write(byId("rate-10s"), rate(stats.coins_per_second_10s));
  write(byId("rate-1m"), rate(stats.coins_per_second_1m));
  write(byId("hashes"), large(stats.hashes_per_second));
  document.title = `${whole(stats.blocks)} coins · Swarmyard`;
}

/** Nobody knows who is at work while no figures come. */
function showAtWork() {
  miners.show(status.isLive);
  yard.takeMiners(status.isLive);
  write(byId("alive"), status.isLive && alive !== null ? whole(alive) : "–");
}

const showChart = () => chart.show(series.until(performance.now(), status.isLive));

new Watch({
  onNews(changes) {
    yard.take(changes);
    showNumbers(yard.of("producer"), yard.of("consumer"));
    showNodes(yard.of("chat-node"));
    knobs.show(yard.tiles);
  },
  onLost: () => yard.lose(),
});

// Time goes on also when no figures come.
setInterval(() => {
  if (document.hidden || status.isLive) return;
  status.showAge();
  showChart();
}, 1000);
// A page that was put aside has missed much.
addEventListener("pageshow", (event) => event.persisted && feed.connect());
addEventListener("online", () => feed.connect());
feed.connect();
