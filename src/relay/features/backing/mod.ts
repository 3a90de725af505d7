/**
 * Where the pixels of a shadow buffer lie: host memory, how much of it a client
 * gets, and what happens when there is none.
 */
export type { Backing } from "./backing.ts";
export { Backings } from "./backings.ts";
export { CopyStatistics } from "./copy_statistics.ts";
export type { Shortage } from "./memory_budget.ts";
export type { Retryable } from "./memory_retries.ts";
