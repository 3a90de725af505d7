/** Descriptors that scenarios send, and how many are open. */
import assert from "node:assert/strict";
import type { OwnedFd } from "../../ffi/fd.ts";
import { createMemfd } from "../../ffi/memfd.ts";
import { createPipe } from "../../ffi/pipe.ts";
import { socketPair } from "../../ffi/unix_socket.ts";

/** How many descriptors this process has open. */
export function openFdCount(): number {
  let count = 0;
  for (const _ of Deno.readDirSync("/proc/self/fd")) count++;
  return count;
}

/**
 * To be held by a scenario with `using`, before all else: at its end it fails
 * unless as many descriptors are open as now.
 */
export function closesAllDescriptors(): Disposable {
  const before = openFdCount();
  return {
    [Symbol.dispose]: (): void => assert.equal(openFdCount(), before),
  };
}

/** A file in memory, which whoever it is given to closes. */
export function memoryFile(size = 4096): number {
  return createMemfd("scenario", size).release();
}

/** As many as that. */
export function memoryFiles(count: number): number[] {
  return Array.from({ length: count }, () => memoryFile());
}

/** One end of a pipe, whose other end is closed. */
export function pipeEnd(kept: "reader" | "writer"): OwnedFd {
  const ends = createPipe();
  ends[kept === "reader" ? "writer" : "reader"][Symbol.dispose]();
  return ends[kept];
}

/** A socket whose other end is closed. */
export function socketEnd(): OwnedFd {
  const [socket, other] = socketPair();
  other[Symbol.dispose]();
  return socket;
}

/**
 * Which file a descriptor is: two descriptors of one open file are equal in it.
 */
export function fileIdentity(fd: number): string {
  const { dev, ino } = Deno.statSync(`/proc/self/fd/${fd}`);
  return `${dev}:${ino}`;
}
