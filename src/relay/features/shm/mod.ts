/**
 * The client's shared memory: pools, buffers, their pixel formats, and which
 * files are accepted as memory.
 */
export { ImportedBuffer, ImportedPools } from "./imported_pool.ts";
export { findPixelFormat, fourccOf, type PixelFormat } from "./pixel_format.ts";
export { sharedMemoryCheck } from "./pool_fd_check.ts";
export {
  checkBufferShape,
  checkPoolSize,
  ShmBuffer,
  shmBufferOf,
  ShmPool,
  unmappable,
} from "./shm_buffer.ts";
