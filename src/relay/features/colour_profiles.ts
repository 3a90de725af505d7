/**
 * Copies an application's colour profiles for a host that cannot read its
 * files.
 *
 * The relay reads the part of the file that counts at once, so that nothing can
 * happen to it before it is sent, and no more of it crosses. A file that cannot
 * be read without waiting for somebody, or for which there is no room here or
 * on the host, is not the application's mistake: its image description fails,
 * as the protocol allows, and the connection lives.
 *
 * Unlike plain forwarding: `wp_image_description_creator_icc_v1.set_icc_file`
 * and `create` (color-management-v1).
 */
import { isExhaustion } from "../../../ffi/error.ts";
import { O_ACCMODE, O_WRONLY, statusFlags } from "../../../ffi/fd.ts";
import { copyRows } from "../../../ffi/file_copy.ts";
import { fileSize, memoryKind } from "../../../ffi/file_kind.ts";
import { mapFile } from "../../../ffi/mapping.ts";
import { createMemfd } from "../../../ffi/memfd.ts";
import { ClientError } from "../../wayland/protocol_error.ts";
import type { Entry } from "../entry.ts";
import type { Feature, FeatureRelay, RequestValues } from "../feature.ts";
import { RateLimitedWarnings } from "../rate_limited_warnings.ts";
import { noMemory } from "../refusals.ts";

// wp_image_description_creator_icc_v1.error
const ALREADY_SET = 1;
const BAD_FD = 2;
const BAD_SIZE = 3;
const OUT_OF_FILE = 4;
/** The most that the protocol allows. */
const MAX_PROFILE_BYTES = 32 * 1024 * 1024;
/** `wp_image_description_v1.cause.operating_system`. */
const OPERATING_SYSTEM = 2;

/**
 * Bytes of profiles that one client's host may not have read yet: each is a
 * copy in memory here, and making it takes time.
 */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;
/**
 * Bytes after which the relay asks the host to answer when it has read them;
 * the count may be too high by this much.
 */
const ASKED_AFTER = 1024 * 1024;
/**
 * Creators whose profile failed that one client may leave on the host: only
 * `create` ends them, which without a profile would be an error, so they stay
 * there as long as the client does.
 */
export const MAX_LEFT = 4096;

/** Counts what one relay has sent and left on its host. */
class Profiles {
  readonly relay: FeatureRelay;
  readonly #warnings: RateLimitedWarnings<Failure>;
  /** Creators on the host whose profile failed. */
  #left = 0;
  /**
   * Bytes that were sent and not answered, and those of them that the relay has
   * not asked about.
   */
  #unread = 0;
  #unasked = 0;

  constructor(relay: FeatureRelay) {
    this.relay = relay;
    this.#warnings = new RateLimitedWarnings(relay);
  }

  /** Logs that a profile is not used, unless it was logged not long ago. */
  warnOf({ failure, reason }: MissingProfile): void {
    this.#warnings.warn(failure, `ignored a colour profile: ${reason}`);
  }

  /**
   * Counts a creator that stays on the host.
   *
   * @throws {ClientError} where there are too many
   */
  leave(): void {
    if (this.#left >= MAX_LEFT) {
      throw noMemory(
        `more than ${MAX_LEFT} colour profiles failed`,
      );
    }
    this.#left++;
  }

  /**
   * Whether the host has read so much that `length` bytes more can be copied.
   */
  hasRoomFor(length: number): boolean {
    return this.#unread + length <= MAX_UNREAD_BYTES;
  }

  /** Counts a copy that was sent. */
  sent(length: number): void {
    this.#unread += length;
    this.#unasked += length;
    const asked = this.#unasked;
    if (asked < ASKED_AFTER) return;
    this.#unasked = 0;
    this.relay.afterAnswers(() => {
      this.#unread -= asked;
    });
  }
}

/** Why a profile fails. */
type Failure =
  /** Reading its file may never return. */
  | "file"
  /** The host has not read the profiles before it. */
  | "unread"
  /** The host has no memory left for it. */
  | "memory"
  /** This process has no room for a copy. */
  | "copy";

/** The creator's profile did not reach the host, and why. */
class MissingProfile {
  readonly failure: Failure;
  readonly reason: string;

  constructor(failure: Failure, reason: string) {
    this.failure = failure;
    this.reason = reason;
  }
}

type SetFile =
  RequestValues["wp_image_description_creator_icc_v1.set_icc_file"];

/** Sends the host copies of colour profiles. */
export const colourProfiles: Feature<Profiles> = {
  name: "colour profiles",
  appliesTo: (carrier) => carrier.carries("icc", "request") === "copied",
  open: (relay) => new Profiles(relay),
  requests: {
    "wp_image_description_creator_icc_v1.set_icc_file": (
      profiles,
      creator,
      values,
    ) => {
      const { relay } = profiles;
      if (creator.record instanceof MissingProfile) {
        throw invalidProfile(
          creator,
          ALREADY_SET,
          "there is an ICC profile already",
        );
      }
      // of a global that is gone: the host does not know it
      if (creator.hostId === 0) return "forward";
      const missing = checkFile(relay, creator, values) ??
        checkRoom(profiles, values.length) ??
        sendCopy(profiles, creator, values);
      // not before: it is still the message's, and closed with that, where
      // something was thrown
      relay.discardFromClient(values.icc_profile);
      if (missing !== null) {
        profiles.warnOf(missing);
        creator.record = missing;
      }
      return "take";
    },
    "wp_image_description_creator_icc_v1.create": (
      profiles,
      creator,
      { image_description: image },
    ) => {
      if (!(creator.record instanceof MissingProfile)) return "forward";
      const { relay } = profiles;
      profiles.leave();
      relay.sendEvent(image, "wp_image_description_v1.failed", {
        cause: OPERATING_SYSTEM,
        msg: creator.record.reason,
      });
      relay.dropClientObject(creator);
      return "take";
    },
  },
  events: {},
};

/**
 * @returns what is there instead where the file is not read, or null.
 * @throws {ClientError}
 */
function checkFile(
  relay: FeatureRelay,
  creator: Entry,
  { icc_profile: handle, offset, length }: SetFile,
): MissingProfile | null {
  const fd = relay.peekFromClient(handle);
  const kind = memoryKind(fd);
  if (kind === "foreign") {
    return new MissingProfile(
      "file",
      "its file system may never answer; copy the profile to a local disk",
    );
  }
  const isFile = kind === "memory" || kind === "disk";
  if (!isFile || (statusFlags(fd) & O_ACCMODE) === O_WRONLY) {
    throw invalidProfile(
      creator,
      BAD_FD,
      "the ICC profile is not a file that can be read",
    );
  }
  if (length === 0 || length > MAX_PROFILE_BYTES) {
    throw invalidProfile(
      creator,
      BAD_SIZE,
      `the ICC profile has ${length} bytes`,
    );
  }
  if (offset + length > fileSize(fd)) throw tooShort(creator);
  return null;
}

/**
 * Whether the host has room; without room the message would end the connection.
 */
function checkRoom(
  profiles: Profiles,
  length: number,
): MissingProfile | null {
  const { relay } = profiles;
  if (!profiles.hasRoomFor(length)) {
    return new MissingProfile(
      "unread",
      "the compositor has not yet read the earlier profiles of this application",
    );
  }
  const memory = relay.host.allocate?.(length) ?? null;
  if (memory === null) {
    return new MissingProfile("memory", "the host has no memory left for it");
  }
  memory[Symbol.dispose]();
  return null;
}

/** @returns what is there instead of a copy, or null. @throws {ClientError} */
function sendCopy(
  profiles: Profiles,
  creator: Entry,
  { icc_profile: handle, offset, length }: SetFile,
): MissingProfile | null {
  const { relay } = profiles;
  try {
    using copy = createMemfd("icc", length);
    {
      const fd = relay.peekFromClient(handle);
      using mapping = mapFile(copy.number, length, "write");
      const isRead = copyRows(mapping.bytes, {
        fd,
        sourceOffset: offset,
        sourceStride: length,
        targetOffset: 0,
        targetStride: length,
        rowBytes: length,
        rows: 1,
      });
      if (!isRead) throw tooShort(creator);
    }
    relay.sendRequest(
      creator,
      "wp_image_description_creator_icc_v1.set_icc_file",
      { icc_profile: copy.release(), offset: 0, length },
    );
    profiles.sent(length);
    return null;
  } catch (error) {
    if (!isExhaustion(error)) throw error;
    return new MissingProfile(
      "copy",
      `the proxy cannot copy it: ${error.message}`,
    );
  }
}

function tooShort(creator: Entry): ClientError {
  return invalidProfile(
    creator,
    OUT_OF_FILE,
    "the ICC profile ends after the end of its file",
  );
}

/** @param code of `wp_image_description_creator_icc_v1.error` */
function invalidProfile(
  { clientId }: Entry,
  code: number,
  text: string,
): ClientError {
  return new ClientError(clientId, code, text);
}
