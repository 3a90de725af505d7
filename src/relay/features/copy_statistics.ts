/** What shadowing costs, counted: read by the benchmark, the tests and the log. */

/** Counters. Whoever makes a list of features may share one among all of its relays. */
export class CopyStatistics {
  /** Bytes that were read from clients' files. */
  copiedBytes = 0;
  /** Buffers that were copied, in whole or in part. */
  copies = 0;
  /** Commits whose buffer could not be shown, because the host had no memory. */
  missedCopies = 0;
  /** Bytes of the host's memory that we have now. */
  allocatedBytes = 0;
}
