/**
 * What the emulated host is: a release of rutabaga_gfx, with or without QEMU's
 * confusion of fences, read in the releases' sources, and seen in virtual
 * machines; or another host, as it is described, and seen nowhere.
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

export interface HostProfile {
  readonly name: string;
  readonly fences: Fences;
  /** Slots of a SEND or RECEIVE. */
  readonly identifiers: 4 | 28;
  /**
   * Descriptors for which one recvmsg has room: more than slots, by alignment.
   */
  readonly receivedDescriptors: number;
  /**
   * Whether images and descriptors take their ids from one counter, or even and
   * odd ones from two.
   */
  readonly itemIds: "one counter" | "parity";
  /** The type that a received write end of a pipe is given. */
  readonly pipeLabel: "pipe" | "blob";
  /**
   * The types that an eventfd and a socket are given, where they are told from
   * other descriptors.
   */
  readonly eventLabel: 5 | 6 | null;
  readonly socketLabel: 7 | null;
  /**
   * What the guest learns of the compositor's end: an empty RECEIVE at each
   * POLL, or nothing.
   */
  readonly end: "repeated" | "silent";
  /**
   * How the memory of a received descriptor is mapped: as it was opened and
   * sealed, for reading only, or for writing, which may fail.
   */
  readonly receivedAccess: "as opened" | "read" | "write";
  /**
   * Whether INIT's layout is chosen by its stated size, or by the bytes that
   * are there.
   */
  readonly initLayout: "by size" | "by room";
  /**
   * What memory is made with: files in memory, or the allocator of the host's
   * GPU.
   */
  readonly allocator: "files" | "GPU";
  /** Bytes per page of the host. */
  readonly pageSize: number;
  /**
   * Commands that fit the device's queue; what has a fence keeps its place
   * until that is signalled.
   */
  readonly places: number;
  /** Blobs that the VMM shows to the guest at a time. */
  readonly mappedBlobs: number;
}

/** QEMU's: a queue of 64, with indirect descriptors, and slots for blobs. */
const QEMU = { places: 64, mappedBlobs: 4096 } as const;

type ReleaseTraits = Omit<HostProfile, "name" | "fences" | "pageSize">;

/** What all releases have in common that are older than 0.1.85. */
const OLDER = {
  ...QEMU,
  itemIds: "parity",
  eventLabel: null,
  socketLabel: null,
  end: "silent",
  receivedAccess: "read",
  initLayout: "by room",
  allocator: "files",
} as const;

const RELEASES: Readonly<Record<Rutabaga, ReleaseTraits>> = {
  "0.1.2": {
    ...OLDER,
    identifiers: 4,
    receivedDescriptors: 6,
    pipeLabel: "pipe",
  },
  "0.1.71": {
    ...OLDER,
    identifiers: 28,
    receivedDescriptors: 29,
    pipeLabel: "blob",
  },
  "0.1.85": {
    ...QEMU,
    identifiers: 28,
    receivedDescriptors: 29,
    itemIds: "one counter",
    pipeLabel: "pipe",
    eventLabel: 5,
    socketLabel: 7,
    end: "repeated",
    receivedAccess: "as opened",
    initLayout: "by size",
    allocator: "files",
  },
};

export function hostProfile(
  rutabaga: Rutabaga,
  fences: Fences,
  pageSize = 4096,
): HostProfile {
  const name = `rutabaga ${rutabaga}, fences ${fences}`;
  return { name, fences, pageSize, ...RELEASES[rutabaga] };
}

/** Each release, without QEMU's confusion of fences. */
export const releases: readonly HostProfile[] = rutabagas.map((rutabaga) =>
  hostProfile(rutabaga, "fixed")
);

/** Each release, with either kind of fences. */
export const hostProfiles: readonly HostProfile[] = rutabagas.flatMap((
  rutabaga,
) => [hostProfile(rutabaga, "fixed"), hostProfile(rutabaga, "stock")]);

/**
 * crosvm of July 2026 and later: rutabaga_gfx 0.1.80, with its own completion
 * of fences, and built with minigbm.
 */
export const crosvmWithMinigbm: HostProfile = {
  ...hostProfile("0.1.85", "fixed"),
  name: "crosvm with minigbm",
  allocator: "GPU",
  // 512, of which a command takes three
  places: 170,
  mappedBlobs: Infinity,
};

/**
 * libkrun 1.18: a fork that tells the end, and eventfds by a number of its own.
 */
export const libkrun118: HostProfile = {
  ...hostProfile("0.1.85", "fixed"),
  name: "libkrun 1.18",
  itemIds: "parity",
  eventLabel: 6,
  socketLabel: null,
  initLayout: "by room",
  // 256, of which a command takes three
  places: 85,
  mappedBlobs: Infinity,
};

/**
 * libkrun 1.15: four identifiers for whoever greets it like us, and received
 * files mapped for writing, whatever they allow.
 */
export const libkrun115: HostProfile = {
  ...libkrun118,
  name: "libkrun 1.15",
  identifiers: 4,
  receivedDescriptors: 6,
  receivedAccess: "write",
};
