/**
 * Faults that a test injects. Each was seen in a real host or kernel, or is
 * what one of their documented limits looks like from the guest.
 */

/**
 * What goes wrong. A counter is used up, one occasion at a time; Infinity
 * lasts.
 */
export class Faults {
  /**
   * Host-visible window for blobs, in bytes: beyond it CREATE_BLOB answers
   * ENOSPC.
   */
  windowBytes = 1 << 30;
  /** SENDs that the host drops whole, as it does with one it finds wrong. */
  droppedSends = 0;
  /** WRITEs whose data the host loses, and its end of the pipe with it. */
  droppedWrites = 0;
  /**
   * Image queries that fail: the fence is signalled and the page stays as it
   * was.
   */
  failedQueries = 0;
  /**
   * Milliseconds from an image query to its answer, and its fence: more than
   * 15,000 is longer than the guest's kernel waits.
   */
  answerDelay = 0;
  /** Image queries whose answer has fewer bytes than were asked for. */
  shortImages = 0;
  /** Host blobs that are refused, which shows when they are mapped. */
  refusedBlobs = 0;
  /**
   * Mappings of dma-bufs that the guest's kernel does not make; those by the
   * node it does.
   */
  refusedDmaBufMappings = 0;
  /** INITs that fail: the context stays dead. */
  failedInits = 0;
  /**
   * Milliseconds from the page's being written to its fence's being signalled.
   */
  fenceDelay = 0;
  /**
   * Milliseconds between the first and the second half of a message on the
   * page: header and data of a RECEIVE, data and header of a READ.
   */
  dataDelay = 0;
  /** Most bytes that one RECEIVE brings. */
  receiveLimit = Infinity;
  /**
   * Whether descriptors come with the first byte of what was received, and the
   * rest in a RECEIVE of its own.
   */
  descriptorsEarly = false;
  /** Most bytes that one READ brings. */
  readLimit = Infinity;
}

/** Whether a fault that is counted happens now: takes one from its counter. */
export function happens(
  faults: Faults,
  name:
    | "droppedSends"
    | "droppedWrites"
    | "failedQueries"
    | "shortImages"
    | "refusedBlobs"
    | "refusedDmaBufMappings"
    | "failedInits",
): boolean {
  if (faults[name] <= 0) return false;
  faults[name]--;
  return true;
}
