/**
 * A small Wayland client on a channel, with a window of its own:
 * `wayferry doctor` tries the host with it.
 */
export { CALLBACK, ProbeClient, type ProbeHandler } from "./client.ts";
export { ProbeWindow } from "./window.ts";
