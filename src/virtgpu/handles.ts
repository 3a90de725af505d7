/**
 * Counts who uses a handle of the device. The kernel does not: importing a
 * dma-buf twice gives the same handle twice, and closing it once ends it for
 * both.
 */

import type { VirtgpuDevice } from "./device.ts";

/** Counts the users of each handle of one opened device. */
export class Handles {
  readonly #device: VirtgpuDevice;
  readonly #users = new Map<number, number>();

  constructor(device: VirtgpuDevice) {
    this.#device = device;
  }

  /** Number of handles in use. */
  get count(): number {
    return this.#users.size;
  }

  /** Counts one more user of a handle. */
  retain(handle: number): void {
    this.#users.set(handle, (this.#users.get(handle) ?? 0) + 1);
  }

  /**
   * The handle of a dma-buf, with its caller as a user; null where the device
   * cannot take it.
   *
   * @throws {SyscallError}
   */
  import(fd: number): number | null {
    const handle = this.#device.primeFdToHandle(fd);
    if (handle !== null) this.retain(handle);
    return handle;
  }

  /** Counts one user less; the last one closes the handle. */
  release(handle: number): void {
    const users = (this.#users.get(handle) ?? 0) - 1;
    if (users > 0) {
      this.#users.set(handle, users);
      return;
    }
    this.#users.delete(handle);
    this.#device.closeHandle(handle);
  }
}
