/**
 * The kernel's device: what each method asks of the node, with the numbers and
 * bytes of Linux 6.12's headers.
 */

import assert from "node:assert/strict";
import { ScriptedIoctl } from "../../support/scripted_ioctl.ts";

const EBUSY = 16;
const ENOSPC = 28;
const CREATE_BLOB = 0xc030_644an;

/** The descriptor that opening a node gives. */
let node = -1;

const kernel = new ScriptedIoctl({ open: () => node });

/** The modules, which must find the scripted kernel when they are loaded. */
async function modules(): Promise<
  & typeof import("../../../src/virtgpu/kernel_device.ts")
  & typeof import("../../../ffi/fd.ts")
  & typeof import("../../../ffi/pipe.ts")
> {
  return {
    ...await import("../../../src/virtgpu/kernel_device.ts"),
    ...await import("../../../ffi/fd.ts"),
    ...await import("../../../ffi/pipe.ts"),
  };
}

// before the first test, which else would be said to leave libraries open
Deno.test.beforeAll(async () => {
  await modules();
});

for (
  const { name, request, bytes } of [
    {
      name: "a page of the guest's that can be mapped",
      request: { memory: "guest", size: 4096, blobId: 0, mappable: true },
      bytes: "0100000001000000" + "00".repeat(8) + "0010000000000000" +
        "00".repeat(24),
    },
    {
      name: "host memory that can be mapped and shared",
      request: { memory: "host3d", size: 8192, blobId: 7, mappable: true },
      bytes: "0200000003000000" + "00".repeat(8) + "0020000000000000" +
        "00".repeat(16) + "0700000000000000",
    },
    {
      name: "host memory that takes no room in the window",
      request: { memory: "host3d", size: 8192, blobId: 7, mappable: false },
      bytes: "0200000002000000" + "00".repeat(8) + "0020000000000000" +
        "00".repeat(16) + "0700000000000000",
    },
  ] as const
) {
  Deno.test(`${name} is made with the kernel's flags`, async () => {
    const { createPipe, openDevice } = await modules();
    const { reader, writer } = createPipe();
    using _writer = writer;
    node = reader.release();
    using device = openDevice("/dev/dri/renderD128");
    assert.deepEqual(device.createBlob(request), { handle: 0, resource: 0 });
    assert.deepEqual(kernel.asked(), [{
      fd: node,
      number: CREATE_BLOB,
      bytes,
    }]);
    kernel.answer(ENOSPC);
    assert.equal(device.createBlob(request), null);
    kernel.asked();
  });
}

Deno.test("events are counted by the fences in them, and where none wait there are none", async () => {
  const { createPipe, openDevice, setNonBlocking, writeFd } = await modules();
  const { reader, writer } = createPipe();
  using _writer = writer;
  setNonBlocking(reader.number);
  node = reader.release();
  using device = openDevice("/dev/dri/renderD128");
  assert.equal(device.pollFd, node);
  assert.equal(device.readEvents(), 0);
  const fence = [0x9000_0000, 8];
  const events = new Uint32Array([...fence, 1, 16, 0, 0, ...fence]);
  writeFd(writer.number, new Uint8Array(events.buffer));
  assert.equal(device.readEvents(), 2);
  assert.equal(device.readEvents(), 0);
  writer[Symbol.dispose]();
});

Deno.test("a device that is gone is told with its path", async () => {
  const { createPipe, openDevice } = await modules();
  const { reader, writer } = createPipe();
  using _reader = reader;
  node = writer.release();
  using device = openDevice("/dev/dri/renderD128");
  assert.throws(
    () => device.readEvents(),
    /^SyscallError: Cannot read events of \/dev\/dri\/renderD128: /,
  );
});

Deno.test("an object that is busy is waited for only where that was asked for", async () => {
  const { createPipe, openDevice } = await modules();
  const { reader, writer } = createPipe();
  using _writer = writer;
  node = reader.release();
  using device = openDevice("/dev/dri/renderD128");
  kernel.answer(EBUSY, EBUSY);
  assert.equal(device.wait(7, "none"), false);
  assert.equal(device.wait(7, "long"), false);
  assert.equal(device.wait(7, "long"), true);
  assert.deepEqual(
    kernel.asked().map(({ bytes }) => bytes),
    ["0700000001000000", "0700000000000000", "0700000000000000"],
  );
});
