/**
 * What the emulated host is: a release of rutabaga_gfx, with or without QEMU's
 * confusion of fences. Read in the releases' sources, and seen where
 * host-behaviour notes say so.
 */

/** Releases that are emulated. */
export type Rutabaga = "0.1.2" | "0.1.71" | "0.1.85";

/** All of them, oldest first. */
export const rutabagas: readonly Rutabaga[] = ["0.1.2", "0.1.71", "0.1.85"];

/**
 * How the VMM completes fences: QEMU as released ("stock") completes with a
 * fence also the older ones of every other context on the same ring.
 */
export type Fences = "stock" | "fixed";

/** A host's traits. */
export interface HostProfile {
  readonly name: string;
  readonly fences: Fences;
  /** Slots of a SEND or RECEIVE. */
  readonly identifiers: 4 | 28;
  /** Descriptors for which one recvmsg has room: more than slots, by alignment. */
  readonly receivedDescriptors: number;
  /** Whether images and descriptors take their ids from one counter, or even and odd ones from two. */
  readonly itemIds: "one counter" | "parity";
  /** The type that a received write end of a pipe is given. */
  readonly pipeLabel: "pipe" | "blob";
  /** Whether eventfds and sockets are told from other descriptors. */
  readonly tellsEventsAndSockets: boolean;
  /** What the guest learns of the compositor's end: an empty RECEIVE at each POLL, or nothing. */
  readonly end: "repeated" | "silent";
  /** How the memory of a received descriptor is mapped: as it was opened and sealed, or for reading only. */
  readonly receivedAccess: "as opened" | "read";
  /** Whether INIT's layout is chosen by its stated size, or by the bytes that are there. */
  readonly initLayout: "by size" | "by room";
  /** Bytes per page of the host. */
  readonly pageSize: number;
}

/** The traits of a release. */
export function hostProfile(
  rutabaga: Rutabaga,
  fences: Fences,
  pageSize = 4096,
): HostProfile {
  const name = `rutabaga ${rutabaga}, fences ${fences}`;
  switch (rutabaga) {
    case "0.1.2":
      return {
        name,
        fences,
        pageSize,
        identifiers: 4,
        receivedDescriptors: 6,
        itemIds: "parity",
        pipeLabel: "pipe",
        tellsEventsAndSockets: false,
        end: "silent",
        receivedAccess: "read",
        initLayout: "by room",
      };
    case "0.1.71":
      return {
        name,
        fences,
        pageSize,
        identifiers: 28,
        receivedDescriptors: 29,
        itemIds: "parity",
        pipeLabel: "blob",
        tellsEventsAndSockets: false,
        end: "silent",
        receivedAccess: "read",
        initLayout: "by room",
      };
    case "0.1.85":
      return {
        name,
        fences,
        pageSize,
        identifiers: 28,
        receivedDescriptors: 29,
        itemIds: "one counter",
        pipeLabel: "pipe",
        tellsEventsAndSockets: true,
        end: "repeated",
        receivedAccess: "as opened",
        initLayout: "by size",
      };
  }
}
