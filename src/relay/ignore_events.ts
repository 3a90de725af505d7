/**
 * A listener that ignores all events, for host objects that the relay makes for
 * itself.
 */
import type { EventListener } from "./entry.ts";

/** Ignores every event. */
export const ignoreEvents: EventListener = { event: () => {} };
