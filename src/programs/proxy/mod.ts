/**
 * `wayferry proxy`: serves applications until its command ends or a signal
 * comes.
 */
export type { ProxyOptions } from "./options.ts";
export { run } from "./run.ts";
