/** Objects of the relay's own on the host, in whose events nobody is interested. */
import type { EventListener } from "./entry.ts";

/** What hears events that nobody wants, or not yet. */
export const ignoreEvents: EventListener = { event: () => {} };
