/**
 * How much may wait where, before the relay stops reading from a peer or ends
 * it.
 */
import type { Endpoint } from "../host/endpoint.ts";

/**
 * Bytes that may wait for a client; one that reads nothing for longer is ended.
 */
const MAX_CLIENT_BYTES = 16 * 1024 * 1024;
/**
 * Descriptors that may wait for a client; more would use up what all clients
 * together may have open.
 */
const MAX_CLIENT_FDS = 1024;
/**
 * Bytes or descriptors that wait for the host when the relay stops reading from
 * its client, and when it reads again.
 */
const HOST_LIMIT = {
  bytes: 256 * 1024,
  fds: 256,
  resumeBytes: 64 * 1024,
  resumeFds: 64,
} as const;
/** Descriptors that may wait at either end for a message that carries them. */
const MAX_FDS_WITHOUT_MESSAGE = 1024;
/**
 * Characters of an error that a client is sent: a message has room for 4096
 * bytes, and four of them may make one character.
 */
const MAX_ERROR_CHARACTERS = 1000;
/** How long a feature may hold a direction, in milliseconds. */
export const HOLD_TIMEOUT_MS = 1_000;

/** As much of the text of a `wl_display.error` as a message has room for. */
export function cutErrorText(text: string): string {
  return text.slice(0, MAX_ERROR_CHARACTERS);
}

/**
 * Whether so much waits for the host that the relay must not read from its
 * client.
 */
export function isSlow({ outgoing }: Endpoint): boolean {
  return outgoing.length > HOST_LIMIT.bytes ||
    outgoing.fdCount > HOST_LIMIT.fds;
}

/** Whether a host that was slow has caught up. */
export function hasCaughtUp({ outgoing }: Endpoint): boolean {
  return outgoing.length <= HOST_LIMIT.resumeBytes &&
    outgoing.fdCount <= HOST_LIMIT.resumeFds;
}

/**
 * What waits for the client where that is too much, in words; else null. What a
 * held host has sent counts, too.
 */
export function backlog(
  client: Endpoint,
  heldHost: Endpoint | null,
): string | null {
  const { outgoing } = client;
  const bytes = outgoing.length + (heldHost?.incoming.length ?? 0);
  const fds = outgoing.fdCount + (heldHost?.incoming.fdCount ?? 0);
  if (fds > MAX_CLIENT_FDS) return `${fds} file descriptors`;
  return bytes > MAX_CLIENT_BYTES ? `${bytes} bytes of events` : null;
}

/**
 * What is wrong where too many descriptors came without a message that carries
 * them; else null.
 */
export function uncarried({ incoming }: Endpoint): string | null {
  const { fdCount } = incoming;
  if (fdCount <= MAX_FDS_WITHOUT_MESSAGE) return null;
  return `${fdCount} file descriptors came without a message that carries them`;
}
