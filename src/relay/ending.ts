/** Why a relay ends, in the words of its log and of the client's last `wl_display.error`. */
import { isExhaustion } from "../../ffi/error.ts";
import {
  ClientError,
  HostError,
  HostRefusal,
} from "../wayland/protocol_error.ts";
import { DISPLAY, displayError } from "../wayland/wire.ts";
import type { Objects } from "./objects.ts";

/** The end of a relay. */
export interface Ending {
  /** For the log. */
  readonly reason: string;
  /** The client's last word from us; null where it is to be told nothing, or cannot be. */
  readonly error: {
    readonly clientId: number;
    readonly code: number;
    readonly text: string;
  } | null;
  /** How much the log should make of it. */
  readonly level: "info" | "warning";
}

/** The client left, of itself or because of an error of its socket. */
export function clientLeft(reason: string | null): Ending {
  return {
    reason: reason ?? "it closed its connection",
    error: null,
    level: reason === null ? "info" : "warning",
  };
}

/** The client reads nothing, so it is not told anything either. */
export function clientDoesNotRead(waiting: string): Ending {
  return {
    reason:
      `it read nothing while ${waiting} waited for it; is it stopped or hanging?`,
    error: null,
    level: "warning",
  };
}

/** Something failed that the client cannot help; it is told that the server's side did. */
export function hostFailed(reason: string): Ending {
  const { implementation: code } = displayError;
  return {
    reason,
    error: { clientId: DISPLAY, code, text: reason },
    level: "warning",
  };
}

/** The host closed its connection, or `reason` befell it. */
export function hostLeft(reason: string | null): Ending {
  return hostFailed(
    reason === null
      ? "the compositor closed the connection"
      : `the connection to the compositor is lost: ${reason}`,
  );
}

/** What an error that a step of the relay threw means. What is no `Error` is thrown again. */
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

/** Whether an error that was thrown is neither a peer's fault nor a want of descriptors or memory, but a defect of the proxy. */
export function isDefect(error: unknown): error is Error {
  return error instanceof Error && !(error instanceof ClientError) &&
    !(error instanceof HostError) && !(error instanceof HostRefusal) &&
    !isExhaustion(error);
}

/** The client is told of its own object; for all others the display stands in. */
function hostRefused(
  { hostId, code, message: text }: HostRefusal,
  objects: Objects,
): Ending {
  const entry = objects.host.get(hostId);
  const known = entry !== null && entry.clientId !== 0;
  const what = known
    ? `${entry}`
    : entry === null
    ? "an object that is gone"
    : `the proxy's own ${entry.interface.name}`;
  return {
    reason: `the compositor refused a request: ${what}: error ${code}: ${text}`,
    error: { clientId: known ? entry.clientId : DISPLAY, code, text },
    level: "warning",
  };
}
