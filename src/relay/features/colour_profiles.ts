/**
 * Colour profiles that an application gives to a host which gets copies of files.
 *
 * The part of the file that counts is read at once, so that nothing can happen to it before it is sent, and no more of it crosses. What cannot
 * be read without waiting for somebody, or has no room here or on the host, is no mistake of the application's: its image description fails, as the
 * protocol lets it, and the connection lives.
 *
 * Unlike plain forwarding: `wp_image_description_creator_icc_v1.set_icc_file` and `create` (color-management-v1).
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
/** The protocol's limit. */
const MAX_PROFILE_BYTES = 32 * 1024 * 1024;
/** `wp_image_description_v1.cause.operating_system`. */
const OPERATING_SYSTEM = 2;

/** Bytes of profiles that one client's host may not have read yet: each is a copy in memory here, and making it takes a moment. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;
/** Bytes after which the host is asked to answer when it has read them; so much less may be counted too much. */
const ASKED_AFTER = 1024 * 1024;
/**
 * Creators whose profile failed that one client may leave on the host: they have no end but `create`, which without a profile would be an
 * error, so they stay there for as long as the client does.
 */
export const MAX_LEFT = 4096;

/** What is kept for one relay. */
class Profiles {
  readonly relay: FeatureRelay;
  readonly #warnings: RateLimitedWarnings<Failure>;
  /** Creators of no use that are on the host. */
  #left = 0;
  /** Bytes that were sent and not answered, and those of them about which the host was not asked. */
  #unread = 0;
  #unasked = 0;

  constructor(relay: FeatureRelay) {
    this.relay = relay;
    this.#warnings = new RateLimitedWarnings(relay);
  }

  /** Says in the log, unless it was said not long ago, that a profile is not used. */
  warnOf({ failure, reason }: MissingProfile): void {
    this.#warnings.warn(failure, `a colour profile is not used: ${reason}`);
  }

  /** Counts a creator that stays on the host. @throws {ClientError} where there are too many */
  leave(): void {
    if (this.#left >= MAX_LEFT) {
      throw noMemory(
        `more than ${MAX_LEFT} colour profiles could not be used`,
      );
    }
    this.#left++;
  }

  /** Whether the host has read so much that so many bytes more can be copied. */
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

/** What a profile fails over. */
type Failure =
  /** Its file may have to be waited for. */
  | "file"
  /** The host has much to read already. */
  | "unread"
  /** The host has no memory. */
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

/** The feature. */
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
      // of a global that is gone: the host is told nothing
      if (creator.hostId === 0) return "forward";
      const missing = checkFile(relay, creator, values) ??
        checkRoom(profiles, values.length) ??
        sendCopy(profiles, creator, values);
      // not before: it is still the message's, and closed with that, where something was thrown
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

/** @returns what is there instead where the file is not read, or null. @throws {ClientError} */
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
      "it is in a file of a file system that may never answer; copy it to a disk",
    );
  }
  const isFile = kind === "memory" || kind === "disk";
  if (!isFile || (statusFlags(fd) & O_ACCMODE) === O_WRONLY) {
    throw invalidProfile(
      creator,
      BAD_FD,
      "the ICC profile is no file to read from",
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

/** Its message would end the connection where there is no room for it when it is sent. */
function checkRoom(
  profiles: Profiles,
  length: number,
): MissingProfile | null {
  const { relay } = profiles;
  if (!profiles.hasRoomFor(length)) {
    return new MissingProfile(
      "unread",
      "the compositor has not read those yet that the application has set before",
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
      if (!copyRows(fd, offset, mapping.bytes, 0, length, 1, length)) {
        throw tooShort(creator);
      }
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
    return new MissingProfile("copy", `it cannot be copied: ${error.message}`);
  }
}

function tooShort(creator: Entry): ClientError {
  return invalidProfile(
    creator,
    OUT_OF_FILE,
    "the ICC profile ends behind the end of its file",
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
