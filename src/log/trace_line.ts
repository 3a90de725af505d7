/**
 * The line of a traced message, apart from the message itself.
 */

import type { LogSource } from "./level.ts";
import { linePrefix } from "./timestamp.ts";

/** Whose connection: the application's or the compositor's. */
export type Side = "client" | "host";

/** Whether the proxy received a message, or sent it. */
export type Flow = "received" | "sent";

/** Under which source messages of a side are logged. */
export const sideSources = {
  client: "wl-client",
  host: "wl-server",
} as const satisfies Readonly<Record<Side, LogSource>>;

/**
 * The whole line, time and source included. The arrow points from the
 * application to the compositor or back, on both sides:
 * `… wl-client INFO: foot[1234] -> wl_surface@3.commit()`.
 *
 * @param milliseconds since 1970.
 * @param label names the client.
 */
export function formatTraceLine(
  milliseconds: number,
  side: Side,
  flow: Flow,
  label: string,
  message: string,
): string {
  const arrow = (side === "client") === (flow === "received") ? " -> " : " <- ";
  return linePrefix(milliseconds, sideSources[side], "info") + label + arrow +
    message;
}
