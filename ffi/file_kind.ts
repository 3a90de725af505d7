/**
 * What a descriptor from somebody else is, before we read from it: statx(2),
 * fcntl(2).
 *
 * Reading a file on a network or user-space file system may never return, and
 * would stop the loop, and so may asking for its attributes and closing it.
 * Only files in memory, on local disks and on the host's shares are read.
 */

import { check } from "./error.ts";
import { closeFd, F_GETFL, O_PATH } from "./fd.ts";
import { fileSystemKind } from "./file_systems.ts";
import { libc } from "./libc.ts";
import { openLibc } from "./library.ts";
import { readSeals } from "./memfd.ts";
import { type Mount, mountOf, mountOfDevice } from "./mount_table.ts";
import {
  AT_STATX_DONT_SYNC,
  readStatus,
  status,
  STATX_SIZE,
  STATX_TYPE,
  STX_DEV_MAJOR,
  STX_DEV_MINOR,
  STX_MODE,
  STX_SIZE,
} from "./statx.ts";

const { fcntl } = libc;

/**
 * - "memory": a file in memory (memfd, tmpfs, hugetlbfs); reading never waits.
 * - "disk": a regular file on a local disk's file system, or on a share of the
 *   host of this virtual machine (virtiofs, 9p).
 * - "foreign": a regular file, or something without a kind, on any other file
 *   system: FUSE, network, /proc, dma-buf.
 * - "pipe", "directory", "socket", "device": what it says.
 * - "invalid": not open, or opened only as a name (O_PATH).
 */
export type FileKind =
  | "memory"
  | "disk"
  | "foreign"
  | "pipe"
  | "directory"
  | "socket"
  | "device"
  | "invalid";

// <sys/stat.h>, the file type in a mode
const S_IFMT = 0o170000;
const S_IFSOCK = 0o140000;
const S_IFREG = 0o100000;
const S_IFBLK = 0o060000;
const S_IFDIR = 0o040000;
const S_IFCHR = 0o020000;
const S_IFIFO = 0o010000;

/**
 * Whether, and how, a descriptor can be read. One system call where it is
 * memory; never waits for a file system that belongs to somebody.
 */
export function memoryKind(fd: number): FileKind {
  // only files in memory know seals
  if (readSeals(fd) >= 0) return "memory";
  const flags = fcntl(fd, F_GETFL, 0);
  if (flags < 0 || (flags & O_PATH) !== 0) return "invalid";
  const mount = mountOf(fd);
  if (mount !== null && !answers(mount)) return "foreign";
  switch (fileType(fd)) {
    case null:
      return "invalid";
    case S_IFREG:
      return regularFileKind(
        mount ?? mountOfDevice(
          status.getUint32(STX_DEV_MAJOR, true),
          status.getUint32(STX_DEV_MINOR, true),
        ),
      );
    case S_IFIFO:
      return "pipe";
    case S_IFDIR:
      return "directory";
    case S_IFSOCK:
      return "socket";
    case S_IFCHR:
    case S_IFBLK:
      return "device";
    default:
      return "foreign";
  }
}

/**
 * Closes a descriptor that somebody else may have opened.
 *
 * close(2) lets the file system write back first, and waits for it. That may
 * take forever where the file system belongs to somebody, so a thread closes
 * regular files on such file systems.
 *
 * @throws {SyscallError} EBADF, as `closeFd`.
 */
export function closeForeignFd(fd: number): void {
  if (closesAtOnce(fd)) {
    closeFd(fd);
    return;
  }
  threads ??= openLibc({
    // <unistd.h> int close(int fd);
    close: { parameters: ["i32"], result: "i32", nonblocking: true },
  });
  // nobody waits for it, or needs its result
  void threads.close(fd);
}

function closesAtOnce(fd: number): boolean {
  if (readSeals(fd) >= 0 || fileType(fd) !== S_IFREG) return true;
  const mount = mountOf(fd);
  return mount !== null && answers(mount);
}

interface ThreadFunctions {
  close(fd: number): Promise<number>;
}

let threads: ThreadFunctions | null = null;

/**
 * The S_IFMT bits, as the kernel remembers them, without asking a file system
 * on a network or in a process; null where the descriptor is not open.
 */
function fileType(fd: number): number | null {
  if (readStatus(fd, AT_STATX_DONT_SYNC, STATX_TYPE) < 0) return null;
  return status.getUint16(STX_MODE, true) & S_IFMT;
}

function answers(mount: Mount): boolean {
  return fileSystemKind(mount) !== "other";
}

function regularFileKind(mount: Mount | null): FileKind {
  const kind = mount === null ? "other" : fileSystemKind(mount);
  return kind === "memory" || kind === "disk" ? kind : "foreign";
}

/** The size of a file in bytes, as it is now. */
export function fileSize(fd: number): number {
  check(
    `read the size of file descriptor ${fd}`,
    readStatus(fd, 0, STATX_SIZE),
  );
  return Number(status.getBigUint64(STX_SIZE, true));
}
