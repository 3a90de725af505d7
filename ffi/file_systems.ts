/**
 * File systems by what reading from them means: their names in
 * /proc/filesystems and in proc_pid_mountinfo(5).
 */
import type { Mount } from "./mount_table.ts";

/**
 * - "memory": reading waits for nobody.
 * - "disk": a disk of this machine, or a share of the host that this machine's
 *   administrator has mounted, as microvm.nix does with /nix/store: programs
 *   run from it, so the whole machine waits with us where it does not answer.
 * - "kernel": the kernel's own, which answers at once, and is no place for
 *   data.
 * - "other": its server may never answer. Anybody can run a FUSE server; a
 *   network may be gone.
 */
export type FileSystemKind = "memory" | "disk" | "kernel" | "other";

const KINDS: ReadonlyMap<string, FileSystemKind> = new Map([
  ...["tmpfs", "ramfs", "rootfs", "hugetlbfs"].map(of("memory")),
  ...[
    "ext2",
    "ext3",
    "ext4",
    "xfs",
    "btrfs",
    "f2fs",
    "bcachefs",
    "zfs",
    "overlay",
    "squashfs",
    "erofs",
    "reiserfs",
    "jfs",
    "nilfs2",
    "vfat",
    "msdos",
    "exfat",
    "ntfs",
    "ntfs3",
    "iso9660",
    "udf",
    // FUSE's protocol with the host, and FUSE's number in statfs(2), but a name
    // that no other mount has: those are "fuse", "fuse.…" and "fuseblk"
    "virtiofs",
  ].map(of("disk")),
  ...["devtmpfs", "devpts", "proc", "sysfs"].map(of("kernel")),
]);

/**
 * Between 9p and the host; with any other the server may be on a network, or
 * anybody's process.
 */
const HOST_TRANSPORTS: ReadonlySet<string> = new Set([
  "trans=virtio",
  "trans=xen",
]);

/**
 * The kind of a mount of our own name space, which takes more rights than
 * clients have.
 */
export function fileSystemKind({ type, options }: Mount): FileSystemKind {
  if (type === "9p") {
    return options.split(",").some((option) => HOST_TRANSPORTS.has(option))
      ? "disk"
      : "other";
  }
  return KINDS.get(type) ?? "other";
}

function of(kind: FileSystemKind): (type: string) => [string, FileSystemKind] {
  return (type) => [type, kind];
}
