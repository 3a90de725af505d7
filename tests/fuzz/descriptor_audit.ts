/**
 * Follows descriptors to their end. Each is the writing end of a pipe, whose
 * reading end tells whether a copy of it is open anywhere; and numbers that
 * become free are taken at once, so that whoever closes one a second time
 * closes what is being watched.
 */
import {
  closeFd,
  duplicateFd,
  type OwnedFd,
  readFd,
  setNonBlocking,
} from "../../ffi/fd.ts";
import { EAGAIN } from "../../ffi/errno.ts";
import { createMemfd } from "../../ffi/memfd.ts";
import { createPipe } from "../../ffi/pipe.ts";
import { fileIdentity } from "../support/descriptors.ts";
import type { RelayWorld } from "../support/relay_world.ts";

const SENTINELS = 64;
const byte = new Uint8Array(1);

/** What is sent in one test. */
export class DescriptorAudit implements Disposable {
  readonly #own = new DisposableStack();
  readonly #readers: OwnedFd[] = [];
  readonly #sentinel: OwnedFd;
  readonly #identity: string;
  readonly #sentinels: number[] = [];

  constructor() {
    this.#sentinel = this.#own.use(createMemfd("sentinel", 4096));
    this.#identity = fileIdentity(this.#sentinel.number);
  }

  /** A descriptor to be sent; whoever it is given to closes it. */
  pipe(): number {
    const { reader, writer } = createPipe();
    setNonBlocking(reader.number);
    this.#readers.push(this.#own.use(reader));
    return writer.release();
  }

  pipes(count: number): number[] {
    return Array.from({ length: count }, () => this.pipe());
  }

  /** How many of the pipes have a writing end somewhere. */
  get openCount(): number {
    return this.#readers.filter(({ number }) =>
      readFd(number, byte) === -EAGAIN
    ).length;
  }

  /** How many of the watched numbers were closed by somebody else. */
  get stolenCount(): number {
    return this.#sentinels.filter((fd) => {
      try {
        return fileIdentity(fd) !== this.#identity;
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return true;
        throw error;
      }
    }).length;
  }

  /**
   * Turns until nothing happens any more. After every turn the numbers that it
   * set free are taken.
   */
  settle(world: RelayWorld): void {
    do {
      world.client.listen();
      world.host.listen();
      this.#takeFreeNumbers();
    } while (world.loop.turn(0) > 0);
    world.client.listen();
    world.host.listen();
    this.#takeFreeNumbers();
  }

  [Symbol.dispose](): void {
    for (const fd of this.#sentinels) closeFd(fd);
    this.#own[Symbol.dispose]();
  }

  /**
   * The kernel gives the lowest free number, so it is enough to go on until
   * there is no gap below what is open.
   */
  #takeFreeNumbers(): void {
    let highest = 0;
    for (const { name } of Deno.readDirSync("/proc/self/fd")) {
      highest = Math.max(highest, Number(name));
    }
    for (let i = 0; i < SENTINELS; i++) {
      const fd = duplicateFd(this.#sentinel.number).release();
      this.#sentinels.push(fd);
      if (fd > highest) return;
    }
  }
}
