/** GPU buffers of this machine, shown by a compositor with another GPU. */
import assert from "node:assert/strict";
import { closeFd, OwnedFd, readFdAt, writeFd } from "../../ffi/fd.ts";
import { createMemfd, readSeals } from "../../ffi/memfd.ts";
import { createPipe } from "../../ffi/pipe.ts";
import type { GuestGpu } from "../../src/host/endpoint.ts";
import { MAX_PLANES } from "../../src/relay/features/dmabuf/buffers.ts";
import {
  fileIdentity,
  memoryFile,
  openFdCount,
} from "../support/descriptors.ts";
import { withFreeDescriptors } from "../support/free_descriptors.ts";
import { SURFACE } from "./support/buffer_scene.ts";
import { ShadowScene } from "./support/shadow_scene.ts";

const XR24 = 0x34325258;
const AR24 = 0x34325241;
const LINEAR = 0n;
const TILED = 0x0100_0000_0000_0001n;
const UNKNOWN_LAYOUT = 0x00ff_ffff_ffff_ffffn;

const HOST_DEVICE = Uint8Array.of(1, 226, 0, 0, 0, 0, 0, 0);
const OUR_DEVICE = Uint8Array.of(128, 226, 0, 0, 0, 0, 0, 0);

/** A client with `zwp_linux_dmabuf_v1` (6), parameters (7) and, where it is said, a feedback (8). */
class GpuScene extends ShadowScene {
  constructor(version: number, foreign: ReadonlySet<string> = new Set()) {
    const gpu: GuestGpu = {
      deviceNumber: 0xe280n,
      makes: (format, modifier) => format === XR24 && modifier !== TILED,
      owns: (fd) => !foreign.has(fileIdentity(fd)),
    };
    super([[9, "zwp_linux_dmabuf_v1", 6]], {
      host: {
        carriages: {
          shm: "shadowed",
          ["format_table"]: "copied",
          dmabuf: "as-is",
        },
        gpu,
      },
    });
    this.world.bind(9, "zwp_linux_dmabuf_v1", version, 6);
    this.say(6, "zwp_linux_dmabuf_v1.create_params", 7);
    this.hostHeard();
  }

  /** The host says something of the feedback (8). */
  tell(event: string, ...values: (number | Uint8Array)[]): void {
    const name = `zwp_linux_dmabuf_feedback_v1.${event}`;
    this.world.host.say(8, name, ...values);
  }

  /** The client adds a plane, and keeps nothing of it. */
  plane(fd: number, index = 0): void {
    const { client } = this.world;
    client.say(7, "zwp_linux_buffer_params_v1.add", fd, index, 0, 256, 0, 0);
  }
}

function table(...entries: (readonly [number, bigint])[]): OwnedFd {
  const bytes = new Uint8Array(entries.length * 16);
  const view = new DataView(bytes.buffer);
  entries.forEach(([format, modifier], i) => {
    view.setUint32(i * 16, format, true);
    view.setBigUint64(i * 16 + 8, modifier, true);
  });
  const fd = createMemfd("table", bytes.length);
  writeFd(fd.number, bytes);
  return fd;
}

function indices(...numbers: number[]): Uint8Array {
  return new Uint8Array(Uint16Array.from(numbers).buffer);
}

Deno.test("feedback names our device, and of the host's formats those that it makes", () => {
  using scene = new GpuScene(4);
  scene.say(6, "zwp_linux_dmabuf_v1.get_default_feedback", 8);
  scene.world.settle();
  const formats = table(
    [AR24, LINEAR],
    [XR24, TILED],
    [XR24, LINEAR],
    [XR24, UNKNOWN_LAYOUT],
  );
  scene.tell("format_table", formats.release(), 64);
  scene.tell("main_device", HOST_DEVICE);
  scene.tell("tranche_target_device", HOST_DEVICE);
  scene.tell("tranche_flags", 1);
  scene.tell("tranche_formats", indices(0, 1));
  scene.tell("tranche_done");
  scene.tell("tranche_target_device", HOST_DEVICE);
  scene.tell("tranche_flags", 0);
  scene.tell("tranche_formats", indices(3, 1, 2));
  scene.tell("tranche_done");
  scene.tell("done");
  assert.deepEqual(scene.clientHeard(), [
    "zwp_linux_dmabuf_feedback_v1@8.format_table(fd, 32)",
    "zwp_linux_dmabuf_feedback_v1@8.main_device(array[8])",
    "zwp_linux_dmabuf_feedback_v1@8.tranche_target_device(array[8])",
    "zwp_linux_dmabuf_feedback_v1@8.tranche_flags(0)",
    "zwp_linux_dmabuf_feedback_v1@8.tranche_formats(array[4])",
    "zwp_linux_dmabuf_feedback_v1@8.tranche_done()",
    "zwp_linux_dmabuf_feedback_v1@8.done()",
  ]);
  const { arrays, receivedFds: [fd = -1] } = scene.world.client;
  assert.deepEqual(arrays, [OUR_DEVICE, OUR_DEVICE, indices(1, 0)]);
  const told = new Uint8Array(64);
  assert.equal(readFdAt(fd, told, 0), 32);
  const view = new DataView(told.buffer);
  assert.deepEqual(
    [view.getUint32(0, true), view.getBigUint64(8, true)],
    [XR24, LINEAR],
  );
  assert.deepEqual(
    [view.getUint32(16, true), view.getBigUint64(24, true)],
    [XR24, UNKNOWN_LAYOUT],
  );
  assert.equal(readSeals(fd), 0xf);
});

Deno.test("feedback that is told again without a table refers to the last one", () => {
  using scene = new GpuScene(4);
  scene.say(6, "zwp_linux_dmabuf_v1.get_default_feedback", 8);
  scene.world.settle();
  const formats = table([AR24, LINEAR], [XR24, LINEAR]);
  scene.tell("format_table", formats.release(), 32);
  for (let i = 0; i < 2; i++) {
    scene.tell("tranche_formats", indices(0, 1));
    scene.tell("tranche_done");
  }
  scene.clientHeard();
  assert.deepEqual(scene.world.client.arrays, [
    OUR_DEVICE,
    indices(0),
    OUR_DEVICE,
    indices(0),
  ]);
});

Deno.test("of a table that is shorter than was said, what is there counts", () => {
  using scene = new GpuScene(4);
  scene.say(6, "zwp_linux_dmabuf_v1.get_default_feedback", 8);
  scene.world.settle();
  scene.tell("format_table", table([XR24, LINEAR]).release(), 32);
  assert.deepEqual(scene.clientHeard(), [
    "zwp_linux_dmabuf_feedback_v1@8.format_table(fd, 16)",
  ]);
  assert.match(scene.world.log[0] ?? "", /has 16 bytes, not the 32/);
});

Deno.test("formats of old versions are those that our GPU makes", () => {
  using scene = new GpuScene(3);
  const { host } = scene.world;
  host.say(6, "zwp_linux_dmabuf_v1.format", AR24);
  host.say(6, "zwp_linux_dmabuf_v1.format", XR24);
  host.say(6, "zwp_linux_dmabuf_v1.modifier", XR24, 0x01000000, 1);
  host.say(6, "zwp_linux_dmabuf_v1.modifier", XR24, 0, 0);
  assert.deepEqual(scene.clientHeard(), [
    "zwp_linux_dmabuf_v1@6.format(875713112)",
    "zwp_linux_dmabuf_v1@6.modifier(875713112, 0, 0)",
  ]);
});

Deno.test("in version 6 our device is the one that samples, and which of the host's that is, the host finds out", () => {
  using scene = new GpuScene(6);
  scene.say(6, "zwp_linux_dmabuf_v1.get_default_feedback", 8);
  scene.world.settle();
  const SAMPLING = 2;
  scene.tell("format_table", table([XR24, LINEAR]).release(), 16);
  scene.tell("tranche_target_device", HOST_DEVICE);
  scene.tell("tranche_flags", SAMPLING);
  scene.tell("tranche_formats", indices(0));
  scene.tell("tranche_done");
  scene.tell("done");
  assert.deepEqual(scene.clientHeard(), [
    "zwp_linux_dmabuf_feedback_v1@8.format_table(fd, 16)",
    "zwp_linux_dmabuf_feedback_v1@8.tranche_target_device(array[8])",
    "zwp_linux_dmabuf_feedback_v1@8.tranche_flags(2)",
    "zwp_linux_dmabuf_feedback_v1@8.tranche_formats(array[2])",
    "zwp_linux_dmabuf_feedback_v1@8.tranche_done()",
    "zwp_linux_dmabuf_feedback_v1@8.done()",
  ]);
  scene.hostHeard();
  const name = "zwp_linux_buffer_params_v1.set_sampling_device";
  scene.world.client.say(7, name, OUR_DEVICE);
  assert.deepEqual(scene.hostHeard(), []);
  // the host refuses what is no device at all
  scene.world.client.say(7, name, Uint8Array.of(1));
  assert.deepEqual(scene.hostHeard(), [
    "zwp_linux_buffer_params_v1@7.set_sampling_device(array[1])",
  ]);
});

Deno.test("a table that the host sends again is the same file, and another one is another", () => {
  const before = openFdCount();
  {
    using scene = new GpuScene(4);
    scene.say(6, "zwp_linux_dmabuf_v1.get_default_feedback", 8);
    scene.world.settle();
    const entries = [[AR24, LINEAR], [XR24, LINEAR]] as const;
    scene.tell("format_table", table(...entries).release(), 32);
    scene.tell("format_table", table(...entries).release(), 32);
    scene.tell("format_table", table([XR24, LINEAR]).release(), 16);
    scene.tell("tranche_formats", indices(0));
    scene.tell("tranche_done");
    scene.clientHeard();
    const { receivedFds, arrays } = scene.world.client;
    const [first, second, third] = receivedFds.map(fileIdentity);
    assert.equal(first, second);
    assert.notEqual(first, third);
    assert.deepEqual(arrays, [OUR_DEVICE, indices(0)]);
    // more than are kept
    for (let i = 1; i < 10; i++) {
      const many = Array.from({ length: i }, () => [XR24, LINEAR] as const);
      scene.tell("format_table", table(...many).release(), i * 16);
    }
    scene.clientHeard();
    for (const fd of receivedFds.splice(0)) closeFd(fd);
  }
  assert.equal(openFdCount(), before);
});

Deno.test("a buffer of our GPU reaches the host as it is", () => {
  using scene = new GpuScene(4);
  const fd = memoryFile();
  const identity = fileIdentity(fd);
  scene.plane(fd);
  scene.say(7, "zwp_linux_buffer_params_v1.create_immed", 8, 4, 4, XR24, 0);
  scene.commit(8);
  assert.deepEqual(scene.hostHeard(), [
    "zwp_linux_buffer_params_v1@7.add(fd, 0, 0, 256, 0, 0)",
    `zwp_linux_buffer_params_v1@7.create_immed(new wl_buffer@8, 4, 4, ${XR24}, 0)`,
    "wl_surface@5.attach(wl_buffer@8, 0, 0)",
    "wl_surface@5.commit()",
  ]);
  const [received = -1] = scene.world.host.receivedFds;
  assert.equal(fileIdentity(received), identity);
});

Deno.test("a buffer of another device fails, and the connection lives", () => {
  const fd = memoryFile();
  using scene = new GpuScene(4, new Set([fileIdentity(fd)]));
  scene.plane(fd);
  scene.plane(memoryFile(), 1);
  scene.say(7, "zwp_linux_buffer_params_v1.create", 4, 4, XR24, 0);
  scene.say(7, "zwp_linux_buffer_params_v1.destroy");
  assert.deepEqual(scene.hostHeard(), [
    "zwp_linux_buffer_params_v1@7.destroy()",
  ]);
  assert.deepEqual(scene.clientHeard(), [
    "zwp_linux_buffer_params_v1@7.failed()",
  ]);
  assert.match(
    scene.world.log[0] ?? "",
    /not allocated on the virtio-gpu device/,
  );
});

Deno.test("a buffer of another device that was wanted at once shows nothing and is released", () => {
  const fd = memoryFile();
  using scene = new GpuScene(4, new Set([fileIdentity(fd)]));
  scene.plane(fd);
  scene.say(7, "zwp_linux_buffer_params_v1.create_immed", 8, 4, 4, XR24, 0);
  scene.commit(8);
  assert.deepEqual(scene.hostHeard(), ["wl_surface@5.commit()"]);
  assert.deepEqual(scene.clientHeard(), [
    "zwp_linux_buffer_params_v1@7.failed()",
    "wl_buffer@8.release()",
  ]);
  scene.say(8, "wl_buffer.destroy");
  scene.world.settle();
  assert.ok(!scene.world.ended);
});

Deno.test("a client that keeps too many planes gets no buffers any more until it gives some back", () => {
  using scene = new GpuScene(4);
  const before = openFiles();
  const create = (id: number): void => {
    scene.say(6, "zwp_linux_dmabuf_v1.create_params", id);
    for (let plane = 0; plane < 4; plane++) {
      scene.world.client.say(
        id,
        "zwp_linux_buffer_params_v1.add",
        memoryFile(),
        plane,
        0,
        256,
        0,
        0,
      );
    }
    scene.say(
      id,
      "zwp_linux_buffer_params_v1.create_immed",
      id + 1,
      4,
      4,
      XR24,
      0,
    );
    scene.say(id, "zwp_linux_buffer_params_v1.destroy");
    scene.hostHeard();
    for (const fd of scene.world.host.receivedFds.splice(0)) closeFd(fd);
  };
  const limit = MAX_PLANES / 4;
  let id = 8;
  for (let i = 0; i < limit; i++, id += 2) create(id);
  assert.ok(!scene.clientHeard().some((line) => line.includes("failed")));
  const open = openFiles();
  create(id);
  assert.deepEqual(scene.clientHeard(), [
    `zwp_linux_buffer_params_v1@${id}.failed()`,
  ]);
  assert.equal(openFiles(), open);
  assert.match(scene.world.log.join(), /2048 planes/);
  scene.say(9, "wl_buffer.destroy");
  create(id + 2);
  assert.deepEqual(scene.clientHeard(), []);
  scene.world.relay.stop("the scenario's end");
  assert.ok(openFiles() <= before);
});

/** Descriptors of this process. */
function openFiles(): number {
  return [...Deno.readDirSync("/proc/self/fd")].length;
}

/** A buffer (8) whose GPU is drawing until something is written to the pipe. */
function drawnBuffer(scene: GpuScene): OwnedFd {
  const { reader, writer } = createPipe();
  scene.plane(reader.release());
  scene.say(7, "zwp_linux_buffer_params_v1.create_immed", 8, 4, 4, XR24, 0);
  scene.hostHeard();
  return writer;
}

Deno.test("a commit waits until its buffer is drawn, and all that comes after it waits as well", () => {
  using scene = new GpuScene(4);
  using drawing = drawnBuffer(scene);
  scene.commit(8);
  scene.say(3, "wl_compositor.create_region", 9);
  assert.deepEqual(scene.hostHeard(), [
    "wl_surface@5.attach(wl_buffer@8, 0, 0)",
  ]);
  writeFd(drawing.number, Uint8Array.of(1));
  assert.deepEqual(scene.hostHeard(), [
    "wl_surface@5.commit()",
    "wl_compositor@3.create_region(new wl_region@9)",
  ]);
  assert.deepEqual(scene.world.log, []);
});

Deno.test("a buffer that is never drawn holds its commit for a second, and not the next one's", () => {
  using scene = new GpuScene(4);
  using drawing = drawnBuffer(scene);
  scene.commit(8);
  scene.hostHeard();
  scene.world.pass(1_000);
  assert.deepEqual(scene.hostHeard(), ["wl_surface@5.commit()"]);
  writeFd(drawing.number, Uint8Array.of(1));
  scene.commit(8);
  assert.deepEqual(scene.hostHeard(), [
    "wl_surface@5.attach(wl_buffer@8, 0, 0)",
    "wl_surface@5.commit()",
  ]);
});

Deno.test("a commit without a new buffer waits for nothing", () => {
  using scene = new GpuScene(4);
  using drawing = drawnBuffer(scene);
  scene.commit(8);
  writeFd(drawing.number, Uint8Array.of(1));
  scene.hostHeard();
  scene.say(SURFACE, "wl_surface.commit");
  assert.deepEqual(scene.hostHeard(), ["wl_surface@5.commit()"]);
});

Deno.test("without a free descriptor a commit goes on, though its buffer is not drawn", () => {
  using scene = new GpuScene(4);
  using _drawing = drawnBuffer(scene);
  const heard = withFreeDescriptors(0, () => {
    scene.commit(8);
    return scene.hostHeard();
  });
  assert.deepEqual(heard, [
    "wl_surface@5.attach(wl_buffer@8, 0, 0)",
    "wl_surface@5.commit()",
  ]);
  assert.deepEqual(scene.world.log, []);
});

Deno.test("without a free descriptor buffers fail, and the client lives", () => {
  using scene = new GpuScene(4);
  scene.plane(memoryFile());
  scene.say(7, "zwp_linux_buffer_params_v1.create", 4, 4, XR24, 0);
  // what the client sends has to be received, which takes one
  withFreeDescriptors(1, () => scene.world.settle());
  assert.deepEqual(scene.clientHeard(), [
    "zwp_linux_buffer_params_v1@7.failed()",
  ]);
  assert.deepEqual(scene.hostHeard(), []);
  assert.match(
    scene.world.log.join(),
    /rejected a dma-buf whose fences the proxy cannot read: .*\(EMFILE\);/,
  );
  scene.plane(memoryFile());
  scene.say(7, "zwp_linux_buffer_params_v1.create_immed", 8, 4, 4, XR24, 0);
  assert.equal(scene.hostHeard().length, 2);
});

Deno.test("a client that ends while its buffer is drawn leaves nothing behind", () => {
  using scene = new GpuScene(4);
  using _drawing = drawnBuffer(scene);
  scene.commit(8);
  scene.world.relay.stop("the scenario's end");
  scene.world.settle();
  assert.equal(scene.world.loop.watchCount, 0);
});

Deno.test("a buffer that the host makes later waits for its drawing as well", () => {
  using scene = new GpuScene(4);
  const { reader, writer } = createPipe();
  using drawing = writer;
  scene.plane(reader.release());
  scene.say(7, "zwp_linux_buffer_params_v1.create", 4, 4, XR24, 0);
  scene.world.settle();
  scene.world.host.say(
    7,
    "zwp_linux_buffer_params_v1.created",
    0xff000000 | 0,
  );
  scene.clientHeard();
  scene.hostHeard();
  scene.commit(0xff000000 | 0);
  assert.deepEqual(scene.hostHeard(), [
    "wl_surface@5.attach(wl_buffer@4278190080, 0, 0)",
  ]);
  writeFd(drawing.number, Uint8Array.of(1));
  assert.deepEqual(scene.hostHeard(), ["wl_surface@5.commit()"]);
});
