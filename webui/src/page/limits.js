// How long, how many.

/** Coins in the list. */
export const COINS_SHOWN = 20;
/** Miners at work with a bar; the others are summed up. */
export const MINERS_SHOWN = 20;
/** So long after a finger left the list, it holds still: the click comes after that. */
export const PRESS_MS = 500;
/** Replicas of the API that are counted; the one silent for longest is forgotten first. */
export const REPLICAS_SHOWN = 10;
/** Seconds in the chart; older ones go. At least as many as the API gives at once. */
export const CHART_SECONDS_MAX = 300;
export const CHART_SECONDS_MIN = 60;
/** Seconds of which the chart's line is the mean. */
export const MEAN_SECONDS = 10;

/** Instances with a tile; of further miners only the number is shown. More than the page's server asks. */
export const TILES_MAX = 600;
/** From so many tiles on, they are small. */
export const CROWDED_MIN = 60;
/** Producers with a bar; the others are summed up. */
export const PRODUCERS_SHOWN = 12;
/** Seconds of which a tile draws the requests. */
export const SPARK_SECONDS = 30;
/** Seconds of which a tile's rate is the mean. */
export const RATE_SECONDS = 10;
/** Tiles that pulse in a second; the busiest do. */
export const PULSES_MAX = 6;
/** How long a pulse takes. */
export const PULSE_MS = 250;

/** Longest wait for a knob to be turned: more than the page's server waits for the instance. */
export const ORDER_TIMEOUT_MS = 20_000;
/** Longest wait for an answer; then it is asked for again. */
export const ANSWER_TIMEOUT_MS = 8_000;
/** Time between two looks at the miners, and at who answers. */
export const LOOK_MS = 3_000;
/** Figures come every second; with none for so long, the connection counts as lost. */
export const SILENCE_MS_MAX = 5_000;
/** So long the browser may try by itself to get its events back; then this page tries. */
export const BROWSER_RETRY_MS = 4_000;
