/**
 * Whether a descriptor is ready now: poll(2). The loop has epoll(7) for those
 * that it waits for.
 */

import { pointerTo } from "./address.ts";
import { openLibc } from "./library.ts";

const { poll } = openLibc({
  // <poll.h> int poll(struct pollfd *fds, nfds_t nfds, int timeout);
  poll: { parameters: ["pointer", "u64", "i32"], result: "i32" },
});

// struct pollfd: i32 fd, i16 events, i16 revents
const POLLIN = 1;
const POLLOUT = 4;
const polled = new Int32Array(2);
const polledPointer = pointerTo(polled);

/**
 * Whether a descriptor is readable; one that never makes its reader wait always
 * is.
 */
export function isReadable(fd: number): boolean {
  return isReady(fd, POLLIN);
}

/**
 * Whether a write does not wait: a pipe has room for a page, or the write fails
 * at once.
 */
export function isWritable(fd: number): boolean {
  return isReady(fd, POLLOUT);
}

/**
 * poll(2) reports errors and closed descriptors as well, which make nobody
 * wait.
 */
function isReady(fd: number, event: number): boolean {
  polled[0] = fd;
  polled[1] = event;
  return poll(polledPointer, 1n, 0) > 0;
}
