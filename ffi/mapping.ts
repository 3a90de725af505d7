/**
 * Files mapped into memory: mmap(2).
 *
 * Reading a mapping whose file was truncated kills the process (SIGBUS): map
 * only what we made, or what is sealed against it.
 */

import { lastErrno, SyscallError } from "./error.ts";
import { libc } from "./libc.ts";

// <sys/mman.h>
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;

/** A mapped file. */
export class Mapping implements Disposable {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The same memory as 32-bit words, whole ones only. */
  readonly words: Int32Array<ArrayBuffer>;
  readonly #pointer: Deno.PointerObject;
  readonly #size: bigint;

  /** Takes over what `mmap` returned. */
  constructor(pointer: Deno.PointerObject, size: number) {
    const memory = Deno.UnsafePointerView.getArrayBuffer(pointer, size);
    this.bytes = new Uint8Array(memory);
    this.words = new Int32Array(memory, 0, size >> 2);
    this.#pointer = pointer;
    this.#size = BigInt(size);
  }

  /**
   * Unmaps it; a second time is harmless. Views of it are empty afterwards,
   * instead of pointing to nothing.
   */
  [Symbol.dispose](): void {
    if (this.bytes.buffer.detached) return;
    this.bytes.buffer.transfer();
    libc.munmap(this.#pointer, this.#size);
  }
}

/**
 * Maps `size` bytes of a file, shared with everybody who has it open.
 *
 * @param offset where they begin: the file's beginning, or what a driver told.
 * @throws {SyscallError} EACCES: the descriptor does not allow it; ENODEV: not
 * a file that can be mapped.
 */
export function mapFile(
  fd: number,
  size: number,
  access: "read" | "write",
  offset = 0n,
): Mapping {
  const protection = access === "write" ? PROT_READ | PROT_WRITE : PROT_READ;
  const pointer = libc.mmap(
    null,
    BigInt(size),
    protection,
    MAP_SHARED,
    fd,
    offset,
  );
  if (pointer === null || Deno.UnsafePointer.value(pointer) === MAP_FAILED) {
    throw new SyscallError(
      `map ${size} bytes of file descriptor ${fd}`,
      lastErrno(),
    );
  }
  return new Mapping(pointer, size);
}
