/** Pipes between applications and the host, bridged over a channel. */
export { Arrivals } from "./pipe_credit.ts";
export { MAX_PENDING, Pipes, type PipesHandler } from "./pipes.ts";
