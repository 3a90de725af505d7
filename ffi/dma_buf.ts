/**
 * GPU buffers and the fences in them: <linux/dma-buf.h>.
 */

import { pointerTo } from "./address.ts";
import { SyscallError } from "./error.ts";
import { O_RDONLY, openFile, OwnedFd, readFd } from "./fd.ts";
import {
  IOC_READ_WRITE,
  IOC_WRITE,
  ioctlNumber,
  requestIoctl,
} from "./ioctl.ts";

// struct dma_buf_export_sync_file: u32 flags, i32 fd
const DMA_BUF_SYNC_READ = 1;
/** Linux 6.0. */
export const DMA_BUF_IOCTL_EXPORT_SYNC_FILE: bigint = ioctlNumber(
  IOC_READ_WRITE,
  "b",
  2,
  8,
);
const exported = new Int32Array(2);
const exportedPointer = pointerTo(exported);

// struct dma_buf_sync: u64 flags
const DMA_BUF_SYNC_WRITE = 2;
const DMA_BUF_SYNC_END = 4;
/** Linux 4.6. */
export const DMA_BUF_IOCTL_SYNC: bigint = ioctlNumber(IOC_WRITE, "b", 0, 8);
const access = new Int32Array(2);
const accessPointer = pointerTo(access);

/** More than the kernel says of a dma-buf in /proc. */
const information = new Uint8Array(4096);

/**
 * What a reader of the buffer must wait for: a descriptor that becomes readable
 * when all that draws into the buffer now is done.
 *
 * @returns null where there is no such thing: no dma-buf, or an older kernel.
 */
export function exportReadFence(dmaBuf: number): OwnedFd | null {
  exported[0] = DMA_BUF_SYNC_READ;
  exported[1] = -1;
  const result = requestIoctl(
    dmaBuf,
    DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
    exportedPointer,
  );
  const fd = exported[1] ?? -1;
  return result < 0 || fd < 0 ? null : new OwnedFd(fd);
}

/**
 * Tells the kernel that the processor begins to write into a dma-buf's mapping.
 * Nothing happens where the descriptor is not a dma-buf.
 */
export function beginWriting(dmaBuf: number): void {
  access[0] = DMA_BUF_SYNC_WRITE;
  requestIoctl(dmaBuf, DMA_BUF_IOCTL_SYNC, accessPointer);
}

/** Tells the kernel that the processor has written, so that devices see it. */
export function endWriting(dmaBuf: number): void {
  access[0] = DMA_BUF_SYNC_WRITE | DMA_BUF_SYNC_END;
  requestIoctl(dmaBuf, DMA_BUF_IOCTL_SYNC, accessPointer);
}

/**
 * The name of the driver that made a dma-buf, such as "virtio_gpu"; null where
 * the descriptor is not a dma-buf.
 *
 * @throws {SyscallError} we cannot find out: there is no /proc, or no
 * descriptor is left to read it
 */
export function exporterOf(fd: number): string | null {
  const path = `/proc/self/fdinfo/${fd}`;
  using file = openFile(path, O_RDONLY);
  const length = readFd(file.number, information);
  if (length < 0) throw new SyscallError(`read ${path}`, -length);
  const text = new TextDecoder().decode(information.subarray(0, length));
  return /^exp_name:\s*(\S+)$/m.exec(text)?.[1] ?? null;
}
