/** `wayferry doctor`: examines the machine. */
export { examine } from "./doctor.ts";
export type { Report } from "./report.ts";
