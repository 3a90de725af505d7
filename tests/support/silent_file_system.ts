/**
 * A file system in user space whose process answers until its one file is open,
 * and then never again: fuse(4), and <linux/fuse.h> for the structs. It takes
 * /dev/fuse and the right to mount.
 */
import { cString } from "../../ffi/address.ts";
import {
  closeFd,
  O_NONBLOCK,
  O_RDWR,
  openFile,
  OwnedFd,
  readFd,
  writeFd,
} from "../../ffi/fd.ts";
import { openLibc } from "../../ffi/library.ts";

const MNT_FORCE = 1;
const MNT_DETACH = 2;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const ENOSYS = 38;

// enum fuse_opcode
const LOOKUP = 1;
const GETATTR = 3;
const OPEN = 14;
const INIT = 26;

const IN_HEADER_BYTES = 40;
const OUT_HEADER_BYTES = 16;
const ATTRIBUTE_BYTES = 88;

/** An open file that nobody will answer for. */
export interface SilentFile extends AsyncDisposable {
  readonly fd: OwnedFd;
  /**
   * Closes another descriptor of the file when the file system is gone; before,
   * that would wait for it.
   */
  closeLater(fd: number): void;
}

/** Null where file systems of this kind cannot be mounted. */
export async function openSilentFile(): Promise<SilentFile | null> {
  const libc = openLibc({
    // <sys/mount.h> int mount(const char *source, const char *target, const
    // char *type, unsigned long flags, const void *data);
    mount: {
      parameters: ["buffer", "buffer", "buffer", "u64", "buffer"],
      result: "i32",
    },
    // <sys/mount.h> int umount2(const char *target, int flags);
    umount2: { parameters: ["buffer", "i32"], result: "i32" },
    // <fcntl.h> int open(const char *pathname, int flags);
    open: { parameters: ["buffer", "i32"], result: "i32", nonblocking: true },
  });
  const device = openDevice();
  if (device === null) return null;
  const directory = Deno.makeTempDirSync({ prefix: "wayferry-silent-" });
  const path = cString(directory);
  const options =
    `fd=${device.number},rootmode=40000,user_id=${Deno.uid()},group_id=${Deno.gid()}`;
  const name = cString("silent");
  if (libc.mount(name, path, cString("fuse"), 0n, cString(options)) < 0) {
    device[Symbol.dispose]();
    Deno.removeSync(directory);
    return null;
  }
  // Should anything wait for the file system after all, it is torn down, and
  // the test fails instead of hanging.
  const rescue = new Deno.Command("sh", {
    args: ["-c", `timeout 20 cat || umount -f -l ${directory}`],
    stdin: "piped",
  }).spawn();
  const opening = libc.open(cString(`${directory}/file`), O_RDWR);
  const fd = new OwnedFd(await answerUntil(device.number, opening));
  const others: number[] = [];
  return {
    fd,
    closeLater: (other) => others.push(other),
    async [Symbol.asyncDispose](): Promise<void> {
      libc.umount2(path, MNT_FORCE | MNT_DETACH);
      fd[Symbol.dispose]();
      others.forEach(closeFd);
      // Threads that were closing the file can go on now, and are waited for,
      // so that the next test counts right.
      while (isOpen(`${directory}/file`)) await pause(1);
      device[Symbol.dispose]();
      Deno.removeSync(directory);
      await rescue.stdin.close();
      await rescue.status;
    },
  };
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, milliseconds));
}

/**
 * Whether this process has the file open. Of a file system that is gone the
 * path has lost its beginning.
 */
function isOpen(path: string): boolean {
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      const target = Deno.readLinkSync(`/proc/self/fd/${name}`);
      if (target !== "" && target !== "/" && path.endsWith(target)) return true;
    } catch {
      // closed in the meantime
    }
  }
  return false;
}

function openDevice(): OwnedFd | null {
  try {
    return openFile("/dev/fuse", O_RDWR | O_NONBLOCK);
  } catch {
    return null;
  }
}

async function answerUntil(
  device: number,
  opening: Promise<number>,
): Promise<number> {
  let fd = -1;
  let isOpen = false;
  const opened = opening.then((number) => {
    fd = number;
    isOpen = true;
  });
  const request = new Uint8Array(1 << 18);
  while (!isOpen) {
    if (readFd(device, request) > 0) writeFd(device, answer(request));
    else {
      await Promise.race([opened, pause(1)]);
    }
  }
  return fd;
}

function answer(request: Uint8Array): Uint8Array<ArrayBuffer> {
  const view = new DataView(request.buffer);
  const opcode = view.getUint32(4, true);
  const body = bodyOf(opcode);
  const reply = new Uint8Array(OUT_HEADER_BYTES + (body?.length ?? 0));
  const header = new DataView(reply.buffer);
  header.setUint32(0, reply.length, true);
  header.setInt32(4, body === null ? -ENOSYS : 0, true);
  header.setBigUint64(8, view.getBigUint64(8, true), true);
  if (body !== null) reply.set(body, OUT_HEADER_BYTES);
  return reply;
}

function bodyOf(opcode: number): Uint8Array | null {
  switch (opcode) {
    case INIT: {
      const body = new Uint32Array(16);
      body.set([7, 31]); // the protocol's version
      body[5] = 4096; // max_write
      return new Uint8Array(body.buffer);
    }
    case LOOKUP: {
      const body = new Uint8Array(IN_HEADER_BYTES + ATTRIBUTE_BYTES);
      body[0] = 2; // the file's node id
      body.set(attributes(2, S_IFREG | 0o644), IN_HEADER_BYTES);
      return body;
    }
    case GETATTR: {
      const body = new Uint8Array(16 + ATTRIBUTE_BYTES);
      body.set(attributes(1, S_IFDIR | 0o755), 16);
      return body;
    }
    case OPEN:
      return new Uint8Array(16);
    default:
      return null;
  }
}

/**
 * struct fuse_attr: u64 ino at 0, u32 mode at 60, u32 nlink at 64, u32 uid at
 * 68, u32 gid at 72.
 */
function attributes(inode: number, mode: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(ATTRIBUTE_BYTES));
  view.setBigUint64(0, BigInt(inode), true);
  view.setUint32(60, mode, true);
  view.setUint32(64, 1, true);
  view.setUint32(68, Deno.uid() ?? 0, true);
  view.setUint32(72, Deno.gid() ?? 0, true);
  return new Uint8Array(view.buffer);
}
