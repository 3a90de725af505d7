/**
 * Why a relay ends, in the words of its log and of the client's last
 * `wl_display.error`.
 */
import { isExhaustion } from "../../ffi/error.ts";
import {
  ClientError,
  HostError,
  HostRefusal,
} from "../wayland/protocol_error.ts";
import { DISPLAY, displayError } from "../wayland/wire.ts";
import type { Objects } from "./objects.ts";

/** How a relay ends. */
export interface Ending {
  /** For the log. */
  readonly reason: string;
  /** The last message to the client; null where it gets none, or cannot. */
  readonly error: {
    readonly clientId: number;
    readonly code: number;
    readonly text: string;
  } | null;
  /** The level of the log line. */
  readonly level: "info" | "warning";
}

/** The client left, by itself or because of an error of its socket. */
export function clientLeft(reason: string | null): Ending {
  return {
    reason: reason ?? "it closed its connection",
    error: null,
    level: reason === null ? "info" : "warning",
  };
}

/** The client reads nothing, so the relay sends it no error either. */
export function clientDoesNotRead(waiting: string): Ending {
  return {
    reason: `it stopped reading (${waiting} queued); is it stopped or hung?`,
    error: null,
    level: "warning",
  };
}

/**
 * Something failed that is not the client's fault; the error says that the
 * server's side failed.
 */
export function hostFailed(reason: string): Ending {
  const { implementation: code } = displayError;
  return {
    reason,
    error: { clientId: DISPLAY, code, text: reason },
    level: "warning",
  };
}

/** The host closed its connection; for `reason`, where there is one. */
export function hostLeft(reason: string | null): Ending {
  return hostFailed(
    reason === null
      ? "the compositor closed the connection"
      : `the connection to the compositor is lost: ${reason}`,
  );
}

/**
 * The ending for an error that a step of the relay threw. What is not an
 * `Error` is thrown again.
 */
export function endingOf(error: unknown, objects: Objects): Ending {
  if (error instanceof ClientError) {
    const { objectId: clientId, code, message: text } = error;
    return {
      reason: `it broke the protocol: ${text}`,
      error: { clientId, code, text },
      level: "warning",
    };
  }
  if (error instanceof HostError) {
    return hostFailed(`the compositor broke the protocol: ${error.message}`);
  }
  if (error instanceof HostRefusal) return hostRefused(error, objects);
  if (error instanceof Error) {
    return hostFailed(`the proxy failed: ${error.message}`);
  }
  throw error;
}

/**
 * Whether an error is a defect of the proxy: neither a peer's fault nor a lack
 * of descriptors or memory.
 */
export function isDefect(error: unknown): error is Error {
  return error instanceof Error && !(error instanceof ClientError) &&
    !(error instanceof HostError) && !(error instanceof HostRefusal) &&
    !isExhaustion(error);
}

/**
 * The error names the client's own object; for all others the display stands
 * in.
 */
function hostRefused(
  { hostId, code, message: text }: HostRefusal,
  objects: Objects,
): Ending {
  const entry = objects.host.get(hostId);
  const known = entry !== null && entry.clientId !== 0;
  const what = known
    ? `${entry}`
    : entry === null
    ? "a deleted object"
    : `the proxy's own ${entry.interface.name}`;
  return {
    reason: `the compositor refused a request: ${what}: error ${code}: ${text}`,
    error: { clientId: known ? entry.clientId : DISPLAY, code, text },
    level: "warning",
  };
}
