/**
 * The host's way to fail: it logs what it says, and tells the guest nothing.
 */

/** A command or a worker's step failed. */
export class HostError extends Error {
  override readonly name = "HostError";
}
