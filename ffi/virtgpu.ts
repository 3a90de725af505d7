/**
 * The requests of the virtio_gpu driver: <drm/virtgpu_drm.h>, Linux 5.16 or
 * newer.
 */

import { addressOf, writeAddress } from "./address.ts";
import { EBUSY, EINVAL, ENOENT, ENOSPC } from "./errno.ts";
import { SyscallError } from "./error.ts";
import { readFd } from "./fd.ts";
import { DRM_IOCTL_TYPE, request } from "./drm.ts";
import { IOC_READ_WRITE, ioctlNumber, requestIoctl } from "./ioctl.ts";
import { mapFile, type Mapping } from "./mapping.ts";
import type { PinnedBuffer } from "./pinned_buffer.ts";
import { StructWords } from "./struct_words.ts";

// struct drm_virtgpu_map (16 bytes): u64 offset, u32 handle, u32 pad
const MAP_BYTES = 16;
// struct drm_virtgpu_execbuffer as of before Linux 6.6 (40 bytes; the kernel
// takes what follows it for zero), in 32-bit words
const EXECBUFFER_BYTES = 40;
const EXECBUFFER_FLAGS = 0; // u32
const EXECBUFFER_SIZE = 1; // u32
const EXECBUFFER_COMMAND = 2; // u64
const EXECBUFFER_HANDLES = 4; // u64
const EXECBUFFER_HANDLE_COUNT = 6; // u32
const EXECBUFFER_FENCE_FD = 7; // i32
const EXECBUFFER_RING = 8; // u32
const EXECBUF_RING_IDX = 4;
// struct drm_virtgpu_getparam (16 bytes): u64 param, u64 value, an address
const GETPARAM_BYTES = 16;
// struct drm_virtgpu_resource_info (16 bytes): u32 bo_handle, res_handle, size,
// blob_mem
const RESOURCE_INFO_BYTES = 16;
// struct drm_virtgpu_3d_wait (8 bytes): u32 handle, u32 flags
const WAIT_BYTES = 8;
const WAIT_NOWAIT = 1;
// struct drm_virtgpu_get_caps (24 bytes): u32 cap_set_id, cap_set_ver, u64
// addr, u32 size, u32 pad
const GET_CAPS_BYTES = 24;
// struct drm_virtgpu_resource_create_blob (48 bytes), in 32-bit words
const CREATE_BLOB_BYTES = 48;
const BLOB_MEMORY = 0; // u32
const BLOB_FLAGS = 1; // u32
const BLOB_HANDLE = 2; // u32, out
const BLOB_RESOURCE = 3; // u32, out
const BLOB_SIZE = 4; // u64
const BLOB_ID = 10; // u64; 6: pad, 7: cmd_size, 8: cmd stay zero
// struct drm_virtgpu_context_init (16 bytes): u32 num_params, u32 pad, u64
// ctx_set_params; there an array of u64 param, u64 value
const CONTEXT_INIT_BYTES = 16;
const CONTEXT_PARAMETERS = 3;
const CONTEXT_CAPSET_ID = 1;
const CONTEXT_NUM_RINGS = 2;
const CONTEXT_POLL_RINGS_MASK = 3;
// struct drm_event: u32 type, u32 length
const EVENT_FENCE_SIGNALED = 0x9000_0000;
const EVENT_HEADER_BYTES = 8;

function virtgpuRequest(number: number, size: number): bigint {
  return ioctlNumber(IOC_READ_WRITE, DRM_IOCTL_TYPE, 0x40 + number, size);
}

/** The request numbers. */
const VIRTGPU_REQUESTS = {
  map: virtgpuRequest(0x01, MAP_BYTES),
  execbuffer: virtgpuRequest(0x02, EXECBUFFER_BYTES),
  getParam: virtgpuRequest(0x03, GETPARAM_BYTES),
  resourceInfo: virtgpuRequest(0x05, RESOURCE_INFO_BYTES),
  wait: virtgpuRequest(0x08, WAIT_BYTES),
  getCaps: virtgpuRequest(0x09, GET_CAPS_BYTES),
  createBlob: virtgpuRequest(0x0a, CREATE_BLOB_BYTES),
  contextInit: virtgpuRequest(0x0b, CONTEXT_INIT_BYTES),
} as const;

/** VIRTGPU_PARAM_ constants. */
export const VIRTGPU_PARAMETERS = {
  "3D_FEATURES": 1,
  CAPSET_QUERY_FIX: 2,
  RESOURCE_BLOB: 3,
  HOST_VISIBLE: 4,
  CROSS_DEVICE: 5,
  CONTEXT_INIT: 6,
  SUPPORTED_CAPSET_IDS: 7,
  EXPLICIT_DEBUG_NAME: 8,
  BLOB_ALIGNMENT: 9,
  CREATE_GUEST_HANDLE: 10,
} as const;

/** VIRTGPU_BLOB_MEM_ constants. */
export const BLOB_MEM_GUEST = 1;
export const BLOB_MEM_HOST3D = 2;
/** VIRTGPU_BLOB_FLAG_ constants. */
export const BLOB_FLAG_USE_MAPPABLE = 1;
export const BLOB_FLAG_USE_SHAREABLE = 2;

/** Writes a struct drm_virtgpu_execbuffer. */
function encodeExecbuffer(
  words: Uint32Array,
  commandAddress: number,
  size: number,
  ring: number | null,
  handlesAddress: number,
  handleCount: number,
): void {
  words[EXECBUFFER_FLAGS] = ring === null ? 0 : EXECBUF_RING_IDX;
  words[EXECBUFFER_SIZE] = size;
  writeAddress(words, EXECBUFFER_COMMAND, commandAddress);
  writeAddress(words, EXECBUFFER_HANDLES, handlesAddress);
  words[EXECBUFFER_HANDLE_COUNT] = handleCount;
  words[EXECBUFFER_FENCE_FD] = 0;
  words[EXECBUFFER_RING] = ring ?? 0;
}

/** Writes a struct drm_virtgpu_getparam. */
function encodeGetParam(
  words: Uint32Array,
  parameter: number,
  valueAddress: number,
): void {
  words[0] = parameter;
  words[1] = 0;
  writeAddress(words, 2, valueAddress);
}

/** Writes a struct drm_virtgpu_get_caps. */
function encodeGetCaps(
  words: Uint32Array,
  capset: number,
  version: number,
  address: number,
  size: number,
): void {
  words[0] = capset;
  words[1] = version;
  writeAddress(words, 2, address);
  words[4] = size;
  words[5] = 0;
}

/** Writes a struct drm_virtgpu_resource_create_blob. */
function encodeCreateBlob(
  words: Uint32Array,
  memory: number,
  flags: number,
  size: number,
  blobId: number,
): void {
  words.fill(0);
  words[BLOB_MEMORY] = memory;
  words[BLOB_FLAGS] = flags;
  writeAddress(words, BLOB_SIZE, size);
  words[BLOB_ID] = blobId;
}

/** Writes the three struct drm_virtgpu_context_set_param of a context. */
function encodeContextParameters(
  words: Uint32Array,
  capset: number,
  rings: number,
  polledRings: number,
): void {
  words.fill(0);
  words[0] = CONTEXT_CAPSET_ID;
  words[2] = capset;
  words[4] = CONTEXT_NUM_RINGS;
  words[6] = rings;
  words[8] = CONTEXT_POLL_RINGS_MASK;
  words[10] = polledRings;
}

/** Writes a struct drm_virtgpu_context_init. */
function encodeContextInit(
  words: Uint32Array,
  count: number,
  parametersAddress: number,
): void {
  words[0] = count;
  words[1] = 0;
  writeAddress(words, 2, parametersAddress);
}

/** How many fences the events say were signalled; others are skipped. */
export function countFenceEvents(events: DataView, length: number): number {
  let fences = 0;
  for (let at = 0; at + EVENT_HEADER_BYTES <= length;) {
    if (events.getUint32(at, true) === EVENT_FENCE_SIGNALED) fences++;
    at += Math.max(events.getUint32(at + 4, true), EVENT_HEADER_BYTES);
  }
  return fences;
}

const execbuffer = new StructWords(EXECBUFFER_BYTES);
const execbufferHandle = new StructWords(4);
const mapStruct = new StructWords(MAP_BYTES);
const infoStruct = new StructWords(RESOURCE_INFO_BYTES);
const waitStruct = new StructWords(WAIT_BYTES);
const blobStruct = new StructWords(CREATE_BLOB_BYTES);
// the kernel gives whole events only, and few wait at a time
const events = new DataView(new ArrayBuffer(256));
const eventBytes = new Uint8Array(events.buffer);

/**
 * Reads the events that wait on a device, which must be non-blocking.
 *
 * @returns how many fences were signalled, or the negative error number
 * (-EAGAIN: no event).
 */
export function readFenceEvents(fd: number): number {
  const length = readFd(fd, eventBytes);
  return length < 0 ? length : countFenceEvents(events, length);
}

/**
 * VIRTGPU_GETPARAM; null for a parameter that the kernel or the device does not
 * know.
 */
export function virtgpuGetParam(fd: number, parameter: number): number | null {
  const value = new Int32Array(2);
  const argument = new StructWords(GETPARAM_BYTES);
  encodeGetParam(argument.words, parameter, addressOf(value));
  const result = requestIoctl(fd, VIRTGPU_REQUESTS.getParam, argument.pointer);
  if (result === -EINVAL || result === -ENOENT) return null;
  if (result < 0) {
    throw new SyscallError(`ask for parameter ${parameter}`, -result);
  }
  return value[0] ?? 0;
}

/** VIRTGPU_GET_CAPS; null for a capability set that the host does not have. */
export function virtgpuGetCaps(
  fd: number,
  capset: number,
  version: number,
  size: number,
): Uint8Array<ArrayBuffer> | null {
  const bytes = new Uint8Array(size);
  const argument = new StructWords(GET_CAPS_BYTES);
  encodeGetCaps(argument.words, capset, version, addressOf(bytes), size);
  const result = requestIoctl(fd, VIRTGPU_REQUESTS.getCaps, argument.pointer);
  if (result === -EINVAL) return null;
  if (result < 0) {
    throw new SyscallError(`ask for capability set ${capset}`, -result);
  }
  return bytes;
}

/** VIRTGPU_CONTEXT_INIT. */
export function virtgpuContextInit(
  fd: number,
  capset: number,
  rings: number,
  polledRings: number,
): void {
  const parameters = new StructWords(16 * CONTEXT_PARAMETERS);
  encodeContextParameters(parameters.words, capset, rings, polledRings);
  const argument = new StructWords(CONTEXT_INIT_BYTES);
  encodeContextInit(argument.words, CONTEXT_PARAMETERS, parameters.address);
  request(fd, VIRTGPU_REQUESTS.contextInit, argument, "make a GPU context");
}

/** VIRTGPU_RESOURCE_CREATE_BLOB; null where the host-visible window is full. */
export function virtgpuCreateBlob(
  fd: number,
  memory: number,
  flags: number,
  size: number,
  blobId: number,
): { readonly handle: number; readonly resource: number } | null {
  encodeCreateBlob(blobStruct.words, memory, flags, size, blobId);
  const result = requestIoctl(
    fd,
    VIRTGPU_REQUESTS.createBlob,
    blobStruct.pointer,
  );
  if (result === -ENOSPC) return null;
  if (result < 0) {
    throw new SyscallError(`make a blob of ${size} bytes`, -result);
  }
  return {
    handle: blobStruct.words[BLOB_HANDLE] ?? 0,
    resource: blobStruct.words[BLOB_RESOURCE] ?? 0,
  };
}

/** VIRTGPU_MAP and mmap of a blob's first `size` bytes. */
export function virtgpuMap(
  fd: number,
  handle: number,
  size: number,
  access: "read" | "write",
): Mapping {
  const { words } = mapStruct;
  words.fill(0);
  words[2] = handle;
  request(fd, VIRTGPU_REQUESTS.map, mapStruct, `map GEM handle ${handle}`);
  const offset = BigInt(words[0] ?? 0) | BigInt(words[1] ?? 0) << 32n;
  return mapFile(fd, size, access, offset);
}

/** VIRTGPU_RESOURCE_INFO. */
export function virtgpuResourceInfo(
  fd: number,
  handle: number,
): {
  readonly resource: number;
  readonly size: number;
  readonly blobMemory: number;
} {
  infoStruct.words.fill(0);
  infoStruct.words[0] = handle;
  request(
    fd,
    VIRTGPU_REQUESTS.resourceInfo,
    infoStruct,
    `ask about GEM handle ${handle}`,
  );
  const [, resource = 0, size = 0, blobMemory = 0] = infoStruct.words;
  return { resource, size, blobMemory };
}

/**
 * VIRTGPU_EXECBUFFER.
 *
 * @param ring the ring of its fence; negative: none.
 * @param handle a GEM object to be busy until it is done; 0: none.
 */
export function virtgpuExecbuffer(
  fd: number,
  commands: PinnedBuffer,
  offset: number,
  length: number,
  ring: number,
  handle: number,
): void {
  if (offset < 0 || length <= 0 || offset + length > commands.bytes.length) {
    throw new RangeError(
      `Cannot submit ${length} bytes at ${offset}: the buffer has ${commands.bytes.length}`,
    );
  }
  execbufferHandle.words[0] = handle;
  encodeExecbuffer(
    execbuffer.words,
    commands.address + offset,
    length,
    ring < 0 ? null : ring,
    execbufferHandle.address,
    handle === 0 ? 0 : 1,
  );
  request(fd, VIRTGPU_REQUESTS.execbuffer, execbuffer, "submit GPU commands");
}

/**
 * VIRTGPU_WAIT.
 *
 * @param patience how long to wait: 15 s, or not at all.
 * @returns false: it is still busy.
 */
export function virtgpuWait(
  fd: number,
  handle: number,
  patience: "long" | "none",
): boolean {
  waitStruct.words[0] = handle;
  waitStruct.words[1] = patience === "none" ? WAIT_NOWAIT : 0;
  const result = requestIoctl(fd, VIRTGPU_REQUESTS.wait, waitStruct.pointer);
  if (result === -EBUSY) return false;
  if (result < 0) {
    throw new SyscallError(`wait for GEM handle ${handle}`, -result);
  }
  return true;
}
