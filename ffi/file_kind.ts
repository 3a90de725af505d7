/**
 * What a descriptor from somebody else is, before anything is read from it:
 * fstat(2), statfs(2).
 *
 * Reading a file on a network or user-space file system may never return, and
 * would stop the loop. Only files in memory and on local disks are read.
 */

import { cString } from "./address.ts";
import { check } from "./error.ts";
import { libc } from "./libc.ts";

const { fcntl, fstatfs, statx } = libc;

/**
 * - "memory": a file in memory (memfd, tmpfs, hugetlbfs); reading never waits.
 * - "disk": a regular file on a local disk's file system.
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

// <fcntl.h>
const F_GETFL = 3;
const F_GET_SEALS = 1034;
const O_PATH = 0o10000000;
const AT_EMPTY_PATH = 0x1000;

// struct statx (256 bytes, the same on every machine): u16 stx_mode at 28, u64
// stx_size at 40
const STATX_TYPE = 0x1;
const STATX_SIZE = 0x200;
const STX_MODE = 28;
const STX_SIZE = 40;
const STATX_BYTES = 256;

// <sys/stat.h>, the file type in a mode
const S_IFMT = 0o170000;
const S_IFSOCK = 0o140000;
const S_IFREG = 0o100000;
const S_IFBLK = 0o060000;
const S_IFDIR = 0o040000;
const S_IFCHR = 0o020000;
const S_IFIFO = 0o010000;

// struct statfs on 64-bit machines: long f_type at 0; 120 bytes. Numbers:
// <linux/magic.h> and the file systems' own headers.
const STATFS_BYTES = 120;
const MEMORY_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0x01021994, // tmpfs
  0x858458f6, // ramfs
  0x958458f6, // hugetlbfs
]);
const DISK_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0x0000ef53, // ext2, ext3, ext4
  0x58465342, // xfs
  0x9123683e, // btrfs
  0xf2f52010, // f2fs
  0xca451a4e, // bcachefs
  0x2fc12fc1, // zfs
  0x794c7630, // overlayfs
  0x73717368, // squashfs
  0xe0f5e1e2, // erofs
  0x52654973, // reiserfs
  0x3153464a, // jfs
  0x00003434, // nilfs2
  0x00004d44, // fat
  0x2011bab0, // exfat
  0x5346544e, // ntfs
  0x7366746e, // ntfs3
  0x00009660, // iso9660
  0x15013346, // udf
]);

const emptyPath = cString("");
const status = new DataView(new ArrayBuffer(STATX_BYTES));
const fileSystem = new Uint32Array(STATFS_BYTES / 4);

/**
 * Whether, and how, a descriptor can be read. One system call where it is
 * memory.
 */
export function memoryKind(fd: number): FileKind {
  // only files in memory know seals
  if (fcntl(fd, F_GET_SEALS, 0) >= 0) return "memory";
  const flags = fcntl(fd, F_GETFL, 0);
  if (flags < 0 || (flags & O_PATH) !== 0) return "invalid";
  if (statx(fd, emptyPath, AT_EMPTY_PATH, STATX_TYPE, status) < 0) {
    return "invalid";
  }
  switch (status.getUint16(STX_MODE, true) & S_IFMT) {
    case S_IFREG:
      return regularFileKind(fd);
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

function regularFileKind(fd: number): FileKind {
  if (fstatfs(fd, fileSystem) < 0) return "foreign";
  const type = fileSystem[0] ?? 0;
  if (MEMORY_FILE_SYSTEMS.has(type)) return "memory";
  return DISK_FILE_SYSTEMS.has(type) ? "disk" : "foreign";
}

/** The size of a file in bytes, as it is now. */
export function fileSize(fd: number): number {
  check(
    `read the size of file descriptor ${fd}`,
    statx(fd, emptyPath, AT_EMPTY_PATH, STATX_SIZE, status),
  );
  return Number(status.getBigUint64(STX_SIZE, true));
}
