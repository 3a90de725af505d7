/** Counts what shadowing costs, for the benchmark, the tests and the log. */

/** Counters of one client, or of all that count into the same total. */
export class CopyStatistics {
  /** Bytes read from clients' files. */
  copiedBytes = 0;
  /** Buffers copied, in whole or in part. */
  copies = 0;
  /** Commits whose buffer was not shown for lack of host memory. */
  missedCopies = 0;
  /** Bytes of host memory in use now. */
  allocatedBytes = 0;
  readonly #total: CopyStatistics | null;

  /** @param total counts the same for all clients */
  constructor(total: CopyStatistics | null = null) {
    this.#total = total;
  }

  addCopy(): void {
    this.copies++;
    this.#total?.addCopy();
  }

  addMissedCopy(): void {
    this.missedCopies++;
    this.#total?.addMissedCopy();
  }

  addCopiedBytes(bytes: number): void {
    this.copiedBytes += bytes;
    this.#total?.addCopiedBytes(bytes);
  }

  /** @param bytes negative for what goes back to the host */
  addAllocatedBytes(bytes: number): void {
    this.allocatedBytes += bytes;
    this.#total?.addAllocatedBytes(bytes);
  }
}
