/** What shadowing costs, counted: read by the benchmark, the tests and the log. */

/** Counters of one client, or of all that count into the same total. */
export class CopyStatistics {
  /** Bytes that were read from clients' files. */
  copiedBytes = 0;
  /** Buffers that were copied, in whole or in part. */
  copies = 0;
  /** Commits whose buffer could not be shown, because the host had no memory. */
  missedCopies = 0;
  /** Bytes of the host's memory that we have now. */
  allocatedBytes = 0;
  readonly #total: CopyStatistics | null;

  /** @param total counts all that is counted here as well */
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

  /** @param bytes negative for what is given back */
  addAllocatedBytes(bytes: number): void {
    this.allocatedBytes += bytes;
    this.#total?.addAllocatedBytes(bytes);
  }
}
