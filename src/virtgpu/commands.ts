/**
 * Commands to the host, each in a submission of its own. The kernel copies
 * them, so one buffer serves all channels.
 */

import { PinnedBuffer } from "../../ffi/pinned_buffer.ts";
import {
  CHANNEL_BYTES,
  CHANNEL_RING,
  CHANNEL_WAYLAND,
  type Dialect,
  DIALECT_28,
  DIALECT_4,
  INIT_BYTES,
  MAX_PROBE,
  PIPE_HEADER_BYTES,
  POLL_BYTES,
  QUERY_BYTES,
  QUERY_RING,
  writeIdentifier,
  writeInit,
  writePoll,
  writeQuery,
  writeSend,
  writeWrite,
} from "./cross_domain.ts";
import { NO_HANDLE, NO_RING, type VirtgpuDevice } from "./device.ts";

const buffer = new PinnedBuffer(2 * CHANNEL_BYTES);
// after everything else, as it never changes
const POLL_AT = CHANNEL_BYTES;
writePoll(buffer.words, POLL_AT >> 2);

/** What goes with the bytes of a SEND. */
export interface SentIdentifiers {
  /** How many of both arrays count. */
  count: number;
  readonly identifiers: Int32Array;
  /** IDENTIFIER_ constants. */
  readonly types: Int32Array;
}

/**
 * Connects a context to the host's compositor. Alone in its submission, because
 * one host measures it by that.
 */
export function submitInit(
  device: VirtgpuDevice,
  queryResource: number,
  channelResource: number,
): void {
  writeInit(buffer.words, 0, queryResource, channelResource, CHANNEL_WAYLAND);
  device.executeBuffer(buffer, 0, INIT_BYTES, NO_RING, NO_HANDLE);
}

/** Asks for the next message on the channel's page. */
export function submitPoll(device: VirtgpuDevice): void {
  device.executeBuffer(buffer, POLL_AT, POLL_BYTES, CHANNEL_RING, NO_HANDLE);
}

/**
 * Asks what an image needs; the answer is on the query page when
 * `device.wait(pageHandle, …)` says so.
 */
export function submitQuery(
  device: VirtgpuDevice,
  pageHandle: number,
  width: number,
  height: number,
  fourcc: number,
  flags: number,
): void {
  writeQuery(buffer.words, 0, width, height, fourcc, flags);
  device.executeBuffer(buffer, 0, QUERY_BYTES, QUERY_RING, pageHandle);
}

/** Sends bytes of the stream, at most MAX_PAYLOAD, with descriptors. */
export function submitSend(
  device: VirtgpuDevice,
  dialect: Dialect,
  bytes: Uint8Array,
  offset: number,
  length: number,
  { count, identifiers, types }: SentIdentifiers,
): void {
  const { headerBytes } = dialect;
  writeSend(buffer.words, 0, dialect, count, length);
  for (let i = 0; i < count; i++) {
    writeIdentifier(
      buffer.words,
      0,
      dialect,
      i,
      identifiers[i] ?? 0,
      types[i] ?? 0,
    );
  }
  buffer.bytes.set(bytes.subarray(offset, offset + length), headerBytes);
  device.executeBuffer(buffer, 0, headerBytes + length, NO_RING, NO_HANDLE);
}

/**
 * Sends the first bytes of the stream, at most MAX_PROBE, to a host whose
 * dialect is not known: they stand where either dialect has them, and the other
 * copy stands in identifiers that the host does not count.
 */
export function submitProbe(
  device: VirtgpuDevice,
  bytes: Uint8Array,
  offset: number,
  length: number,
): void {
  if (length > MAX_PROBE) {
    throw new RangeError(
      `Cannot probe with ${length} bytes: at most ${MAX_PROBE}`,
    );
  }
  const payload = bytes.subarray(offset, offset + length);
  writeSend(buffer.words, 0, DIALECT_28, 0, length);
  buffer.bytes.set(payload, DIALECT_4.headerBytes);
  buffer.bytes.set(payload, DIALECT_28.headerBytes);
  const size = DIALECT_28.headerBytes + length;
  device.executeBuffer(buffer, 0, size, NO_RING, NO_HANDLE);
}

/**
 * Writes data, at most 4 KiB less the header, into a pipe of the host, and
 * closes it.
 */
export function submitWrite(
  device: VirtgpuDevice,
  pipe: number,
  bytes: Uint8Array,
  length: number,
  end: "hang-up" | "more",
): void {
  writeWrite(buffer.words, 0, pipe, end, length);
  buffer.bytes.set(bytes.subarray(0, length), PIPE_HEADER_BYTES);
  const size = PIPE_HEADER_BYTES + length;
  device.executeBuffer(buffer, 0, size, NO_RING, NO_HANDLE);
}
