/**
 * The memory of all queues.
 *
 * A queue holds memory only while it holds bytes, so that an idle connection
 * costs none, and the few buffers in use stay warm in the processor's cache.
 * Buffers of the usual size are kept for the next queue; larger ones, which a
 * slow peer made necessary, are freed at once, because V8 would keep them until
 * some later collection.
 */
import { PinnedBuffer } from "../../ffi/pinned_buffer.ts";

/** What one `recvmsg` can take in, in bytes. */
export const BUFFER_SIZE = 65536;

const MAX_KEPT_BUFFERS = 8;
const spare: PinnedBuffer[] = [];

/** A buffer of at least `size` bytes, whose contents are undefined. */
export function takeBuffer(size: number): PinnedBuffer {
  if (size <= BUFFER_SIZE) return spare.pop() ?? new PinnedBuffer(BUFFER_SIZE);
  let rounded = BUFFER_SIZE * 2;
  while (rounded < size) rounded *= 2;
  return new PinnedBuffer(rounded);
}

/** Takes back what `takeBuffer` gave. */
export function returnBuffer(buffer: PinnedBuffer): void {
  if (buffer.size === BUFFER_SIZE && spare.length < MAX_KEPT_BUFFERS) {
    spare.push(buffer);
  } else buffer.free();
}
