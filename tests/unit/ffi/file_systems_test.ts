/** Which file systems are read from, by their lines in /proc/self/mountinfo. */
import assert from "node:assert/strict";
import {
  type FileSystemKind,
  fileSystemKind,
} from "../../../ffi/file_systems.ts";
import { parseMount } from "../../../ffi/mount_table.ts";

const mounts: readonly (readonly [string, string, FileSystemKind])[] = [
  [
    "a disk",
    "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard",
    "disk",
  ],
  [
    "memory",
    "25 24 0:23 / /dev/shm rw,relatime - tmpfs tmpfs rw,size=24684092k",
    "memory",
  ],
  ["/proc", "22 27 0:21 / /proc rw,relatime - proc proc rw", "kernel"],
  [
    "the host's share by virtiofs",
    "31 29 0:27 / /nix/store ro,relatime - virtiofs ro-store rw",
    "disk",
  ],
  [
    "the host's share by 9p",
    "30 29 0:26 / /nix/store ro,relatime - 9p ro-store rw,access=client,msize=131072,trans=virtio",
    "disk",
  ],
  [
    "9p from a server on a network",
    "30 29 0:26 / /mnt rw,relatime - 9p 10.0.0.1 rw,access=user,trans=tcp,port=564",
    "other",
  ],
  [
    "9p from a process",
    "30 29 0:26 / /mnt rw,relatime - 9p nodev rw,access=user,trans=fd,rfd=5,wfd=5",
    "other",
  ],
  [
    "9p by nobody knows what",
    "30 29 0:26 / /mnt rw,relatime - 9p share rw",
    "other",
  ],
  [
    "FUSE",
    "40 29 0:40 / /home/a/mnt rw,nosuid - fuse silent rw,user_id=1000",
    "other",
  ],
  [
    "FUSE that calls itself virtiofs",
    "40 29 0:40 / /home/a/mnt rw,nosuid - fuse.virtiofs virtiofs rw,user_id=1000",
    "other",
  ],
  [
    "a network's",
    "41 29 0:41 / /home rw - nfs4 10.0.0.1:/home rw,hard",
    "other",
  ],
];

for (const [name, line, kind] of mounts) {
  Deno.test(`${name} is "${kind}"`, () => {
    assert.equal(fileSystemKind(parseMount(line)), kind);
  });
}
