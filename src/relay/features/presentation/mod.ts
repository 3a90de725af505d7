/**
 * Presentation times, translated between the host's clock and this machine's.
 */
export { presentationClock } from "./presentation_clock.ts";
