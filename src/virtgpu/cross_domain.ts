/**
 * The messages of the cross-domain protocol, both ways: README.md has the whole
 * of it.
 *
 * Everything is little-endian, as Wayland on this device is on the machines
 * that have it. Offsets are in bytes; words are 32 bits.
 */

/** The capability set whose contexts speak cross-domain. */
export const CROSS_DOMAIN_CAPSET = 5;
/**
 * Its size: u32 version, supported_channels, supports_dmabuf,
 * supports_external_gpu_memory.
 */
export const CAPSET_BYTES = 16;
/**
 * The channel that is a connection to the host's Wayland compositor; its bit
 * stands in supported_channels.
 */
export const CHANNEL_WAYLAND = 1;

/** The ring whose fences tell of answers to queries. */
export const QUERY_RING = 0;
/** The ring whose fences tell that the channel's page has something. */
export const CHANNEL_RING = 1;
/** Number of rings of a context. */
export const RINGS = 2;

/** First byte of each message. */
const COMMAND_INIT = 1;
const COMMAND_GET_IMAGE_REQUIREMENTS = 2;
export const COMMAND_POLL = 3;
export const COMMAND_SEND = 4;
export const COMMAND_RECEIVE = 5;
export const COMMAND_READ = 6;
const COMMAND_WRITE = 7;

/**
 * Memory: the device's resource in a SEND, a blob id to be claimed in a
 * RECEIVE.
 */
export const IDENTIFIER_BLOB = 1;
/**
 * In a SEND: a pipe that the host makes; what is written to it comes as READ.
 */
export const IDENTIFIER_READ_PIPE = 3;
/** In a RECEIVE: a pipe that is written to by WRITE. */
export const IDENTIFIER_WRITE_PIPE = 4;

/**
 * The first pipe whose reading end the host keeps for us; each further one is
 * one more.
 */
export const FIRST_READ_PIPE = 0x8000_0001;

/**
 * Size of what a host writes at once: its pages are this large, whatever ours
 * are.
 */
export const CHANNEL_BYTES = 4096;
export const INIT_BYTES = 20;
export const POLL_BYTES = 16;
export const QUERY_BYTES = 24;
export const QUERY_ANSWER_BYTES = 64;
/** Header of a READ and a WRITE; the data follow. */
export const PIPE_HEADER_BYTES = 24;

/**
 * How many identifiers a SEND and a RECEIVE have room for: 28, or 4 in hosts of
 * before February 2024. Nothing but the first exchange tells which.
 */
export interface Dialect {
  readonly identifiers: number;
  /** Bytes before the payload: of header, identifiers, types and sizes. */
  readonly headerBytes: number;
}

function dialect(identifiers: number): Dialect {
  return { identifiers, headerBytes: 16 + 12 * identifiers };
}

/** Today's hosts. */
export const DIALECT_28: Dialect = dialect(28);
/** Hosts with rutabaga_gfx 0.1.2 and such. */
export const DIALECT_4: Dialect = dialect(4);

/**
 * Most bytes of a stream in one SEND, such that both dialects take it and
 * nobody's buffer is larger than a page.
 */
export const MAX_PAYLOAD = CHANNEL_BYTES - DIALECT_28.headerBytes;
/**
 * Most bytes of the SEND that finds the dialect out: one copy must fit before
 * the other.
 */
export const MAX_PROBE = DIALECT_28.headerBytes - DIALECT_4.headerBytes;

/** Word of `num_identifiers` in SEND and RECEIVE. */
export const WORD_IDENTIFIERS = 2;
/** Word of `opaque_data_size` in SEND and RECEIVE. */
export const WORD_PAYLOAD_BYTES = 3;
/**
 * Word of the first identifier; types follow all identifiers, sizes all types.
 */
export const WORD_FIRST_IDENTIFIER = 4;
/** Words of READ and WRITE. */
export const WORD_PIPE = 2;
export const WORD_HANG_UP = 3;
export const WORD_PIPE_BYTES = 4;

/** What the capability set says. */
export interface CrossDomainCapabilities {
  readonly version: number;
  /** A bit per channel. */
  readonly channels: number;
  /**
   * Whether memory that is allocated is a dma-buf, and so not usable as wl_shm.
   */
  readonly allocatesDmabuf: boolean;
}

/** Reads the capability set; null where it has not its size. */
export function parseCapabilities(
  bytes: Uint8Array<ArrayBuffer>,
): CrossDomainCapabilities | null {
  if (bytes.length < CAPSET_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    version: view.getUint32(0, true),
    channels: view.getUint32(4, true),
    allocatesDmabuf: view.getUint32(8, true) !== 0,
  };
}

/** Writes a header: the command, and its size with header and data. */
function writeHeader(
  words: Int32Array,
  at: number,
  command: number,
  size: number,
): void {
  words[at] = command | size << 16;
  words[at + 1] = 0;
}

/** INIT: connects the context. The two pages are named by their resources. */
export function writeInit(
  words: Int32Array,
  at: number,
  queryResource: number,
  channelResource: number,
  channel: number,
): void {
  writeHeader(words, at, COMMAND_INIT, INIT_BYTES);
  words[at + 2] = queryResource;
  words[at + 3] = channelResource;
  words[at + 4] = channel;
}

/** POLL: its fence is signalled when the channel's page was written. */
export function writePoll(words: Int32Array, at: number): void {
  writeHeader(words, at, COMMAND_POLL, POLL_BYTES);
  words[at + 2] = 0;
  words[at + 3] = 0;
}

/** GET_IMAGE_REQUIREMENTS. */
export function writeQuery(
  words: Int32Array,
  at: number,
  width: number,
  height: number,
  fourcc: number,
  flags: number,
): void {
  writeHeader(words, at, COMMAND_GET_IMAGE_REQUIREMENTS, QUERY_BYTES);
  words[at + 2] = width;
  words[at + 3] = height;
  words[at + 4] = fourcc;
  words[at + 5] = flags;
}

/**
 * SEND, up to its payload: the caller writes identifiers and types by
 * `writeIdentifier`, and the payload after `headerBytes`.
 */
export function writeSend(
  words: Int32Array,
  at: number,
  { headerBytes }: Dialect,
  identifiers: number,
  payload: number,
): void {
  writeHeader(words, at, COMMAND_SEND, headerBytes + payload);
  words.fill(0, at + WORD_IDENTIFIERS, at + (headerBytes >> 2));
  words[at + WORD_IDENTIFIERS] = identifiers;
  words[at + WORD_PAYLOAD_BYTES] = payload;
}

/** One identifier of a SEND. */
export function writeIdentifier(
  words: Int32Array,
  at: number,
  { identifiers }: Dialect,
  index: number,
  identifier: number,
  type: number,
): void {
  const word = at + WORD_FIRST_IDENTIFIER + index;
  words[word] = identifier;
  words[word + identifiers] = type;
}

/** WRITE, up to its data. */
export function writeWrite(
  words: Int32Array,
  at: number,
  pipe: number,
  end: "hang-up" | "more",
  bytes: number,
): void {
  writeHeader(words, at, COMMAND_WRITE, PIPE_HEADER_BYTES + bytes);
  words[at + WORD_PIPE] = pipe;
  words[at + WORD_HANG_UP] = end === "hang-up" ? 1 : 0;
  words[at + WORD_PIPE_BYTES] = bytes;
  words[at + 5] = 0;
}

/** What a host needs to make an image. */
export interface ImageRequirements {
  readonly strides: readonly number[];
  readonly offsets: readonly number[];
  readonly modifier: bigint;
  readonly size: number;
  readonly blobId: number;
}

/**
 * Reads the answer to a query; null where the page was not written: the host
 * refused.
 */
export function parseImageRequirements(
  bytes: Uint8Array<ArrayBuffer>,
): ImageRequirements | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const blobId = view.getUint32(48, true);
  if (blobId === 0) return null;
  const four = [0, 4, 8, 12];
  return {
    strides: four.map((at) => view.getUint32(at, true)),
    offsets: four.map((at) => view.getUint32(16 + at, true)),
    modifier: view.getBigUint64(32, true),
    size: Number(view.getBigUint64(40, true)),
    blobId,
  };
}
