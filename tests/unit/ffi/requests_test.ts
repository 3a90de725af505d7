/**
 * Requests to devices as the kernel sees them: their number, the bytes that
 * they bring, and what is read of those that come back. Numbers and bytes are
 * what a C program with the headers of Linux 6.12 prints (x86-64), with a
 * different value in every field.
 */

import assert from "node:assert/strict";
import { PinnedBuffer } from "../../../ffi/pinned_buffer.ts";
import { failWith } from "../../support/replaced_libc.ts";
import {
  type Answer,
  follow,
  ScriptedIoctl,
} from "../../support/scripted_ioctl.ts";

const EINTR = 4;
const EAGAIN = 11;
const ENODEV = 19;
const EBUSY = 16;
const EINVAL = 22;
const ENOTTY = 25;
const ENOENT = 2;
const ENOSPC = 28;

/** The device. No request gets as far as to this number. */
const FD = 0x5152;

/** What stands for /dev/udmabuf; 0: nothing does. */
let udmabuf = 0;

const kernel = new ScriptedIoctl({
  open: (path: Uint8Array): number => {
    assert.equal(new TextDecoder().decode(path), "/dev/udmabuf\0");
    return udmabuf === 0 ? failWith(ENOENT) : udmabuf;
  },
});

/** The modules, which must find the scripted kernel when they are loaded. */
async function modules(): Promise<
  & typeof import("../../../ffi/drm.ts")
  & typeof import("../../../ffi/virtgpu.ts")
  & typeof import("../../../ffi/dma_buf.ts")
  & typeof import("../../../ffi/udmabuf.ts")
  & typeof import("../../../ffi/memfd.ts")
> {
  return {
    ...await import("../../../ffi/drm.ts"),
    ...await import("../../../ffi/virtgpu.ts"),
    ...await import("../../../ffi/dma_buf.ts"),
    ...await import("../../../ffi/udmabuf.ts"),
    ...await import("../../../ffi/memfd.ts"),
  };
}

type Modules = Awaited<ReturnType<typeof modules>>;

/** One request whose argument has no addresses. */
interface Row {
  readonly name: string;
  readonly ask: (modules: Modules) => unknown;
  readonly number: bigint;
  readonly bytes: string;
  readonly answer?: Answer;
  readonly result?: unknown;
}

const rows: readonly Row[] = [
  {
    name: "DRM_IOCTL_GEM_CLOSE brings a struct drm_gem_close",
    ask: ({ drmGemClose }) => drmGemClose(FD, 0x4142_4344),
    number: 0x4008_6409n,
    bytes: "4443424100000000",
  },
  {
    name: "DRM_IOCTL_PRIME_HANDLE_TO_FD asks for a dma-buf that can be written",
    ask: ({ drmPrimeHandleToFd }) =>
      drmPrimeHandleToFd(FD, 0x1112_1314).release(),
    number: 0xc00c_642dn,
    bytes: "1413121102000800ffffffff",
    answer: "141312110200080064636261",
    result: 0x6162_6364,
  },
  {
    name: "DRM_IOCTL_PRIME_FD_TO_HANDLE gives a handle",
    ask: ({ drmPrimeFdToHandle }) => drmPrimeFdToHandle(FD, 0x7172_7374),
    number: 0xc00c_642en,
    bytes: "000000000000000074737271",
    answer: "747372a10000000074737271",
    result: 0xa172_7374,
  },
  ...[EINVAL, ENODEV].map((errno) => ({
    name:
      `DRM_IOCTL_PRIME_FD_TO_HANDLE that ends with ${errno} is a descriptor of no use`,
    ask: ({ drmPrimeFdToHandle }: Modules) =>
      drmPrimeFdToHandle(FD, 0x7172_7374),
    number: 0xc00c_642en,
    bytes: "000000000000000074737271",
    answer: errno,
    result: null,
  })),
  {
    name: "VIRTGPU_RESOURCE_INFO gives resource, size and memory",
    ask: ({ virtgpuResourceInfo }) => virtgpuResourceInfo(FD, 0x2122_2324),
    number: 0xc010_6445n,
    bytes: "24232221000000000000000000000000",
    answer: "24232221343332b10010008002000000",
    result: { resource: 0xb132_3334, size: 0x8000_1000, blobMemory: 2 },
  },
  {
    name: "VIRTGPU_WAIT brings a struct drm_virtgpu_3d_wait",
    ask: ({ virtgpuWait }) => virtgpuWait(FD, 0x3132_3334, "long"),
    number: 0xc008_6448n,
    bytes: "3433323100000000",
    result: true,
  },
  {
    name:
      "VIRTGPU_WAIT need not wait, and tells by EBUSY what it would wait for",
    ask: ({ virtgpuWait }) => virtgpuWait(FD, 0x3132_3334, "none"),
    number: 0xc008_6448n,
    bytes: "3433323101000000",
    answer: EBUSY,
    result: false,
  },
  {
    name: "VIRTGPU_RESOURCE_CREATE_BLOB gives handle and resource",
    ask: ({ virtgpuCreateBlob }) =>
      virtgpuCreateBlob(FD, 2, 3, 0x1234_5678_9000, 0x8182_8384),
    number: 0xc030_644an,
    bytes: "0200000003000000000000000000000000907856341200000000000000000000" +
      "00000000000000008483828100000000",
    answer: "020000000300000054535251646362e100907856341200000000000000000000" +
      "00000000000000008483828100000000",
    result: { handle: 0x5152_5354, resource: 0xe162_6364 },
  },
  {
    name: "VIRTGPU_RESOURCE_CREATE_BLOB that ends with ENOSPC is no room",
    ask: ({ virtgpuCreateBlob }) => virtgpuCreateBlob(FD, 1, 1, 0x1000, 0),
    number: 0xc030_644an,
    bytes: "0100000001000000000000000000000000100000000000000000000000000000" +
      "00000000000000000000000000000000",
    answer: ENOSPC,
    result: null,
  },
  {
    name: "DMA_BUF_IOCTL_EXPORT_SYNC_FILE asks what a reader must wait for",
    ask: ({ exportReadFence }) => exportReadFence(FD)?.release(),
    number: 0xc008_6202n,
    bytes: "01000000ffffffff",
    answer: "0100000064636261",
    result: 0x6162_6364,
  },
  {
    name: "DMA_BUF_IOCTL_EXPORT_SYNC_FILE that ends with ENOTTY is no fence",
    ask: ({ exportReadFence }) => exportReadFence(FD),
    number: 0xc008_6202n,
    bytes: "01000000ffffffff",
    answer: ENOTTY,
    result: null,
  },
  {
    name: "DMA_BUF_IOCTL_SYNC tells that writing begins",
    ask: ({ beginWriting }) => beginWriting(FD),
    number: 0x4008_6200n,
    bytes: "0200000000000000",
  },
  {
    name: "DMA_BUF_IOCTL_SYNC tells that writing has ended",
    ask: ({ endWriting }) => endWriting(FD),
    number: 0x4008_6200n,
    bytes: "0600000000000000",
  },
];

// before the first test, which else would be said to leave libraries open
Deno.test.beforeAll(async () => {
  await modules();
});

for (const { name, ask, number, bytes, answer, result } of rows) {
  Deno.test(name, async () => {
    const all = await modules();
    // a struct is used again and again: nothing of the last answer may stay
    for (let i = 0; i < 2; i++) {
      if (answer === undefined) kernel.answer();
      else kernel.answer(answer);
      assert.deepEqual(ask(all), result);
      assert.deepEqual(kernel.asked(), [{ fd: FD, number, bytes }]);
    }
  });
}

Deno.test("DRM_IOCTL_VERSION gives the driver's numbers, and its name where the kernel was told to write it", async () => {
  const { drmVersion } = await modules();
  kernel.answer((argument) => {
    assert.equal(argument.getBigUint64(16, true), 64n, "name_len");
    follow(argument, 24, 64).set(new TextEncoder().encode("virtio_gpu"));
    const hex = "120000003400000056000000000000000a00000000000000";
    new Uint8Array(argument.buffer).setFromHex(hex);
    return 0;
  });
  assert.deepEqual(drmVersion(FD), {
    name: "virtio_gpu",
    major: 0x12,
    minor: 0x34,
    patch: 0x56,
  });
  const [asked] = kernel.asked();
  assert.equal(asked?.number, 0xc040_6400n);
  // no date and no description
  assert.equal(asked?.bytes.slice(64), "00".repeat(32));
});

Deno.test("VIRTGPU_MAP tells where in the node's file an object lies, and that is mapped", async () => {
  const { createMemfd, virtgpuMap } = await modules();
  // the kernel's offsets begin above 4 GiB
  using node = createMemfd("node", 0x1_0000_3000);
  using file = Deno.openSync(`/proc/self/fd/${node.number}`, { write: true });
  file.seekSync(0x1_0000_1000, Deno.SeekMode.Start);
  file.writeSync(Uint8Array.of(0xab));
  for (let i = 0; i < 2; i++) {
    kernel.answer("00100000010000001413121100000000");
    using mapping = virtgpuMap(node.number, 0x1112_1314, 4096, "read");
    assert.equal(mapping.bytes[0], 0xab);
    assert.deepEqual(kernel.asked(), [{
      fd: node.number,
      number: 0xc010_6441n,
      bytes: "00000000000000001413121100000000",
    }]);
  }
});

Deno.test("VIRTGPU_GETPARAM's value is where the kernel was told to write it", async () => {
  const { virtgpuGetParam } = await modules();
  kernel.answer((argument) => {
    follow(argument, 8, 4).set([0x20, 0x03, 0, 0]);
    return 0;
  });
  assert.equal(virtgpuGetParam(FD, 7), 0x320);
  const [asked] = kernel.asked();
  assert.equal(asked?.number, 0xc010_6443n);
  assert.equal(asked?.bytes.slice(0, 16), "0700000000000000");
  for (const errno of [EINVAL, ENOENT]) {
    kernel.answer(errno);
    assert.equal(virtgpuGetParam(FD, 8), null);
  }
  kernel.asked();
});

Deno.test("VIRTGPU_GET_CAPS's set is where the kernel was told to write it", async () => {
  const { virtgpuGetCaps } = await modules();
  const set = Uint8Array.from({ length: 16 }, (_, i) => 0x70 + i);
  kernel.answer((argument) => {
    follow(argument, 8, argument.getUint32(16, true)).set(set);
    return 0;
  });
  assert.deepEqual(virtgpuGetCaps(FD, 5, 1, 16), set);
  const [asked] = kernel.asked();
  assert.equal(asked?.number, 0xc018_6449n);
  assert.equal(asked?.bytes.slice(0, 16), "0500000001000000");
  assert.equal(asked?.bytes.slice(32), "1000000000000000");
  kernel.answer(EINVAL);
  assert.equal(virtgpuGetCaps(FD, 5, 1, 16), null);
  kernel.asked();
});

Deno.test("VIRTGPU_CONTEXT_INIT points to three parameters", async () => {
  const { virtgpuContextInit } = await modules();
  let parameters = "";
  kernel.answer((argument) => {
    assert.equal(argument.getBigUint64(0, true), 3n, "num_params");
    parameters = follow(argument, 8, 48).toHex();
    return 0;
  });
  virtgpuContextInit(FD, 5, 2, 6);
  assert.equal(
    parameters,
    "0100000000000000050000000000000002000000000000000200000000000000" +
      "03000000000000000600000000000000",
  );
  assert.equal(kernel.asked()[0]?.number, 0xc010_644bn);
});

Deno.test("VIRTGPU_EXECBUFFER points to its commands and to its object", async () => {
  const { virtgpuExecbuffer } = await modules();
  const commands = new PinnedBuffer(4096);
  commands.bytes.set([1, 2, 3, 4, 5, 6, 7, 8], 16);
  kernel.answer(
    (argument) => {
      assert.equal(follow(argument, 8, 8).toHex(), "0102030405060708");
      assert.equal(follow(argument, 16, 4).toHex(), "44434241");
      return 0;
    },
    (argument) => {
      assert.equal(follow(argument, 8, 4).toHex(), "05060708");
      return 0;
    },
  );
  virtgpuExecbuffer(FD, commands, 16, 8, 3, 0x4142_4344);
  virtgpuExecbuffer(FD, commands, 20, 4, -1, 0);
  const [withRing, without] = kernel.asked();
  assert.equal(withRing?.number, 0xc028_6442n);
  // flags and size; number of objects, no fence, ring
  assert.equal(withRing?.bytes.slice(0, 16), "0400000008000000");
  const end = "01000000000000000300000000000000";
  assert.equal(withRing?.bytes.slice(48), end);
  assert.equal(without?.bytes.slice(0, 16), "0000000004000000");
  assert.equal(without?.bytes.slice(48), "00".repeat(16));
});

Deno.test("commands that lie outside of their buffer are a mistake of the caller's, and not submitted", async () => {
  const { virtgpuExecbuffer } = await modules();
  const commands = new PinnedBuffer(4096);
  for (const [offset, length] of [[-1, 8], [0, 0], [4090, 8]] as const) {
    assert.throws(
      () => virtgpuExecbuffer(FD, commands, offset, length, 0, 0),
      RangeError,
    );
  }
  assert.deepEqual(kernel.asked(), []);
});

Deno.test("UDMABUF_CREATE names the file and its whole pages, and gives a dma-buf", async () => {
  const { createMemfd, createUdmabuf } = await modules();
  udmabuf = createMemfd("udmabuf", 0).release();
  const device = udmabuf;
  kernel.answer(() => 0x6162_6364);
  const dmaBuf = createUdmabuf(0x1112_1314, 0x1_2122_2000);
  assert.equal(dmaBuf?.release(), 0x6162_6364);
  assert.deepEqual(kernel.asked(), [{
    fd: device,
    number: 0x4018_7542n,
    bytes: "141312110100000000000000000000000020222101000000",
  }]);
  udmabuf = createMemfd("udmabuf", 0).release();
  kernel.answer(EINVAL);
  assert.equal(createUdmabuf(0x1112_1314, 0x1000), null, "not of this file");
  udmabuf = 0;
  assert.equal(createUdmabuf(0x1112_1314, 0x1000), null, "no such device");
  assert.equal(kernel.asked().length, 1);
});

Deno.test("a request that was interrupted is made again, and any other failure is told", async () => {
  const { drmGemClose } = await modules();
  kernel.answer(EINTR, EAGAIN, EINTR);
  drmGemClose(FD, 1);
  assert.equal(kernel.asked().length, 4);
  kernel.answer(EINVAL);
  assert.throws(
    () => drmGemClose(FD, 7),
    /^SyscallError: Cannot close GEM handle 7: .*\(EINVAL\)$/,
  );
  assert.equal(kernel.asked().length, 1);
});
