/** GPU buffers of this machine, shown by a compositor with another GPU. */
import assert from "node:assert/strict";
import { closeFd, OwnedFd, readFdAt, writeFd } from "../../ffi/fd.ts";
import { createMemfd, readSeals } from "../../ffi/memfd.ts";
import { createPipe } from "../../ffi/pipe.ts";
import type {
  EventArguments,
  EventName,
} from "../../protocols/generated/messages.ts";
import type { Spoken } from "../support/spoken.ts";
import type { GuestGpu } from "../../src/host/endpoint.ts";
import { MAX_PLANES } from "../../src/relay/features/dmabuf/buffers.ts";
import {
  closesAllDescriptors,
  fileIdentity,
  memoryFile,
  openFdCount,
} from "../support/descriptors.ts";
import { withFreeDescriptors } from "../support/free_descriptors.ts";
import { SURFACE } from "./support/buffer_scene.ts";
import { ShadowScene } from "./support/shadow_scene.ts";

type Format = readonly [number, bigint];

/** What is said of a feedback. */
type FeedbackEvent = EventName & `${typeof FEEDBACK}.${string}`;

const FEEDBACK = "zwp_linux_dmabuf_feedback_v1";
const XR24 = 0x34325258;
const AR24 = 0x34325241;
const LINEAR = 0n;
const TILED = 0x0100_0000_0000_0001n;
const UNKNOWN_LAYOUT = 0x00ff_ffff_ffff_ffffn;

/** What a buffer is made as, of its planes. */
const SHAPE = { width: 4, height: 4, format: XR24, flags: 0 };

const HOST_DEVICE = Uint8Array.of(1, 226, 0, 0, 0, 0, 0, 0);
const OUR_DEVICE = Uint8Array.of(128, 226, 0, 0, 0, 0, 0, 0);

/**
 * A client with `zwp_linux_dmabuf_v1` (6) and parameters (7).
 */
class GpuScene extends ShadowScene {
  constructor(version: number, foreign: ReadonlySet<string> = new Set()) {
    const gpu: GuestGpu = {
      deviceNumber: 0xe280n,
      makes: (format, modifier) => format === XR24 && modifier !== TILED,
      owns: (fd) => !foreign.has(fileIdentity(fd)),
    };
    super([[9, "zwp_linux_dmabuf_v1", 6]], {
      host: {
        carriages: { shm: "shadowed", format_table: "copied", dmabuf: "as-is" },
        gpu,
      },
    });
    this.world.bind(9, "zwp_linux_dmabuf_v1", version, 6);
    this.client.say(6, "zwp_linux_dmabuf_v1.create_params", { "params_id": 7 });
    this.hostHeard();
  }

  /** The host says something of the feedback (8). */
  tell<Name extends FeedbackEvent>(
    event: Name,
    ...values: Spoken<EventArguments[Name]>
  ): void {
    this.host.say(8, event, ...values);
  }

  /** The host tells a table, of which it may say another size in bytes. */
  tellTable(entries: readonly Format[], size = entries.length * 16): void {
    const fd = table(entries).release();
    this.tell(`${FEEDBACK}.format_table`, { fd, size });
  }

  /** The host tells a tranche; without flags, nothing but its formats. */
  tellTranche(formats: readonly number[], flags?: number): void {
    if (flags !== undefined) {
      this.tell(`${FEEDBACK}.tranche_target_device`, { device: HOST_DEVICE });
      this.tell(`${FEEDBACK}.tranche_flags`, { flags });
    }
    this.tell(`${FEEDBACK}.tranche_formats`, { indices: indices(...formats) });
    this.tell(`${FEEDBACK}.tranche_done`);
  }

  /** The client adds a plane to parameters, and keeps nothing of it. */
  plane(fd: number, index = 0, params = 7): void {
    this.client.addPlane(params, { fd, index, stride: 256 });
  }

  /** The client makes a buffer of parameters, without waiting for the host. */
  createNow(params: number, buffer: number): void {
    const values = { "buffer_id": buffer, ...SHAPE };
    this.client.say(params, "zwp_linux_buffer_params_v1.create_immed", values);
  }
}

/** A client with feedback (8). */
function feedbackScene(version: number): GpuScene {
  const scene = new GpuScene(version);
  scene.client.say(6, "zwp_linux_dmabuf_v1.get_default_feedback", { id: 8 });
  scene.world.settle();
  return scene;
}

function table(entries: readonly Format[]): OwnedFd {
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
  using scene = feedbackScene(4);
  scene.tellTable([
    [AR24, LINEAR],
    [XR24, TILED],
    [XR24, LINEAR],
    [XR24, UNKNOWN_LAYOUT],
  ]);
  scene.tell(`${FEEDBACK}.main_device`, { device: HOST_DEVICE });
  scene.tellTranche([0, 1], 1);
  scene.tellTranche([3, 1, 2], 0);
  scene.tell(`${FEEDBACK}.done`);
  scene.clientMustHear(
    "zwp_linux_dmabuf_feedback_v1@8.format_table(fd, 32)",
    "zwp_linux_dmabuf_feedback_v1@8.main_device(array[8])",
    "zwp_linux_dmabuf_feedback_v1@8.tranche_target_device(array[8])",
    "zwp_linux_dmabuf_feedback_v1@8.tranche_flags(0)",
    "zwp_linux_dmabuf_feedback_v1@8.tranche_formats(array[4])",
    "zwp_linux_dmabuf_feedback_v1@8.tranche_done()",
    "zwp_linux_dmabuf_feedback_v1@8.done()",
  );
  const { arrays, receivedFds: [fd = -1] } = scene.client;
  assert.deepEqual(arrays, [OUR_DEVICE, OUR_DEVICE, indices(1, 0)]);
  const told = new Uint8Array(64);
  assert.equal(readFdAt(fd, told, 0), 32);
  const view = new DataView(told.buffer);
  assert.equal(view.getUint32(0, true), XR24);
  assert.equal(view.getBigUint64(8, true), LINEAR);
  assert.equal(view.getUint32(16, true), XR24);
  assert.equal(view.getBigUint64(24, true), UNKNOWN_LAYOUT);
  assert.equal(readSeals(fd), 0xf);
});

Deno.test("feedback that is told again without a table refers to the last one", () => {
  using scene = feedbackScene(4);
  scene.tellTable([[AR24, LINEAR], [XR24, LINEAR]]);
  for (let i = 0; i < 2; i++) scene.tellTranche([0, 1]);
  scene.clientHeard();
  const tranche = [OUR_DEVICE, indices(0)];
  assert.deepEqual(scene.client.arrays, [...tranche, ...tranche]);
});

Deno.test("of a table that is shorter than was said, what is there counts", () => {
  using scene = feedbackScene(4);
  scene.tellTable([[XR24, LINEAR]], 32);
  scene.clientMustHear("zwp_linux_dmabuf_feedback_v1@8.format_table(fd, 16)");
  assert.match(scene.world.log[0] ?? "", /has 16 bytes, not the 32/);
});

Deno.test("formats of old versions are those that our GPU makes", () => {
  using scene = new GpuScene(3);
  const { host } = scene.world;
  host.say(6, "zwp_linux_dmabuf_v1.format", { format: AR24 });
  host.say(6, "zwp_linux_dmabuf_v1.format", { format: XR24 });
  const modifier = "zwp_linux_dmabuf_v1.modifier";
  const tiled = { "modifier_hi": 0x01000000, "modifier_lo": 1 };
  host.say(6, modifier, { format: XR24, ...tiled });
  const linear = { "modifier_hi": 0, "modifier_lo": 0 };
  host.say(6, modifier, { format: XR24, ...linear });
  scene.clientMustHear(
    "zwp_linux_dmabuf_v1@6.format(875713112)",
    "zwp_linux_dmabuf_v1@6.modifier(875713112, 0, 0)",
  );
});

Deno.test("in version 6 our device is the one that samples, and which of the host's that is, the host finds out", () => {
  using scene = feedbackScene(6);
  const SAMPLING = 2;
  scene.tellTable([[XR24, LINEAR]]);
  scene.tellTranche([0], SAMPLING);
  scene.tell(`${FEEDBACK}.done`);
  scene.clientMustHear(
    "zwp_linux_dmabuf_feedback_v1@8.format_table(fd, 16)",
    "zwp_linux_dmabuf_feedback_v1@8.tranche_target_device(array[8])",
    "zwp_linux_dmabuf_feedback_v1@8.tranche_flags(2)",
    "zwp_linux_dmabuf_feedback_v1@8.tranche_formats(array[2])",
    "zwp_linux_dmabuf_feedback_v1@8.tranche_done()",
    "zwp_linux_dmabuf_feedback_v1@8.done()",
  );
  scene.hostHeard();
  const name = "zwp_linux_buffer_params_v1.set_sampling_device";
  scene.client.say(7, name, { device: OUR_DEVICE });
  scene.hostMustHearNothing();
  // the host refuses what is no device at all
  scene.client.say(7, name, { device: Uint8Array.of(1) });
  scene.hostMustHear(
    "zwp_linux_buffer_params_v1@7.set_sampling_device(array[1])",
  );
});

Deno.test("a table that the host sends again is the same file, and another one is another", () => {
  using _closed = closesAllDescriptors();
  using scene = feedbackScene(4);
  const entries = [[AR24, LINEAR], [XR24, LINEAR]] as const;
  scene.tellTable(entries);
  scene.tellTable(entries);
  scene.tellTable([[XR24, LINEAR]]);
  scene.tellTranche([0]);
  scene.clientHeard();
  const { receivedFds, arrays } = scene.client;
  const [first, second, third] = receivedFds.map(fileIdentity);
  assert.equal(first, second);
  assert.notEqual(first, third);
  assert.deepEqual(arrays, [OUR_DEVICE, indices(0)]);
  // more than are kept
  for (let i = 1; i < 10; i++) {
    scene.tellTable(new Array<Format>(i).fill([XR24, LINEAR]));
  }
  scene.clientHeard();
  for (const fd of receivedFds.splice(0)) closeFd(fd);
});

Deno.test("a buffer of our GPU reaches the host as it is", () => {
  using scene = new GpuScene(4);
  const fd = memoryFile();
  const identity = fileIdentity(fd);
  scene.plane(fd);
  scene.createNow(7, 8);
  scene.commit(8);
  scene.hostMustHear(
    "zwp_linux_buffer_params_v1@7.add(fd, 0, 0, 256, 0, 0)",
    `zwp_linux_buffer_params_v1@7.create_immed(new wl_buffer@8, 4, 4, ${XR24}, 0)`,
    "wl_surface@5.attach(wl_buffer@8, 0, 0)",
    "wl_surface@5.commit()",
  );
  const [received = -1] = scene.host.receivedFds;
  assert.equal(fileIdentity(received), identity);
});

Deno.test("a buffer of another device fails, and the connection lives", () => {
  const fd = memoryFile();
  using scene = new GpuScene(4, new Set([fileIdentity(fd)]));
  scene.plane(fd);
  scene.plane(memoryFile(), 1);
  scene.client.say(7, "zwp_linux_buffer_params_v1.create", SHAPE);
  scene.client.say(7, "zwp_linux_buffer_params_v1.destroy");
  scene.hostMustHear("zwp_linux_buffer_params_v1@7.destroy()");
  scene.clientMustHear("zwp_linux_buffer_params_v1@7.failed()");
  assert.match(
    scene.world.log[0] ?? "",
    /not allocated on the virtio-gpu device/,
  );
});

Deno.test("a buffer of another device that was wanted at once shows nothing and is released", () => {
  const fd = memoryFile();
  using scene = new GpuScene(4, new Set([fileIdentity(fd)]));
  scene.plane(fd);
  scene.createNow(7, 8);
  scene.commit(8);
  scene.hostMustHear("wl_surface@5.commit()");
  scene.clientMustHear(
    "zwp_linux_buffer_params_v1@7.failed()",
    "wl_buffer@8.release()",
  );
  scene.client.say(8, "wl_buffer.destroy");
  scene.world.settle();
  assert.ok(!scene.world.ended);
});

Deno.test("a client that keeps too many planes gets no buffers any more until it gives some back", () => {
  using scene = new GpuScene(4);
  const { client } = scene;
  const before = openFdCount();
  const create = (id: number): void => {
    client.say(6, "zwp_linux_dmabuf_v1.create_params", { "params_id": id });
    for (let plane = 0; plane < 4; plane++) {
      scene.plane(memoryFile(), plane, id);
    }
    scene.createNow(id, id + 1);
    client.say(id, "zwp_linux_buffer_params_v1.destroy");
    scene.hostHeard();
    for (const fd of scene.host.receivedFds.splice(0)) closeFd(fd);
  };
  const limit = MAX_PLANES / 4;
  let id = 8;
  for (let i = 0; i < limit; i++, id += 2) create(id);
  assert.ok(!scene.clientHeard().some((line) => line.includes("failed")));
  const open = openFdCount();
  create(id);
  scene.clientMustHear(`zwp_linux_buffer_params_v1@${id}.failed()`);
  assert.equal(openFdCount(), open);
  scene.world.logMustMatch(/2048 planes/);
  client.say(9, "wl_buffer.destroy");
  create(id + 2);
  scene.clientMustHearNothing();
  scene.world.relay.stop("the scenario's end");
  assert.ok(openFdCount() <= before);
});

/** A buffer (8) whose GPU is drawing until something is written to the pipe. */
function drawnBuffer(scene: GpuScene): OwnedFd {
  const { reader, writer } = createPipe();
  scene.plane(reader.release());
  scene.createNow(7, 8);
  scene.hostHeard();
  return writer;
}

Deno.test("a commit waits until its buffer is drawn, and all that comes after it waits as well", () => {
  using scene = new GpuScene(4);
  using drawing = drawnBuffer(scene);
  scene.commit(8);
  scene.client.say(3, "wl_compositor.create_region", { id: 9 });
  scene.hostMustHear("wl_surface@5.attach(wl_buffer@8, 0, 0)");
  writeFd(drawing.number, Uint8Array.of(1));
  scene.hostMustHear(
    "wl_surface@5.commit()",
    "wl_compositor@3.create_region(new wl_region@9)",
  );
  assert.deepEqual(scene.world.log, []);
});

Deno.test("a buffer that is never drawn holds its commit for a second, and not the next one's", () => {
  using scene = new GpuScene(4);
  using drawing = drawnBuffer(scene);
  scene.commit(8);
  scene.hostHeard();
  scene.world.pass(1_000);
  scene.hostMustHear("wl_surface@5.commit()");
  writeFd(drawing.number, Uint8Array.of(1));
  scene.commit(8);
  scene.hostMustHear(
    "wl_surface@5.attach(wl_buffer@8, 0, 0)",
    "wl_surface@5.commit()",
  );
});

Deno.test("a commit without a new buffer waits for nothing", () => {
  using scene = new GpuScene(4);
  using drawing = drawnBuffer(scene);
  scene.commit(8);
  writeFd(drawing.number, Uint8Array.of(1));
  scene.hostHeard();
  scene.client.commit(SURFACE);
  scene.hostMustHear("wl_surface@5.commit()");
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
  scene.client.say(7, "zwp_linux_buffer_params_v1.create", SHAPE);
  // what the client sends has to be received, which takes one
  withFreeDescriptors(1, () => scene.world.settle());
  scene.clientMustHear("zwp_linux_buffer_params_v1@7.failed()");
  scene.hostMustHearNothing();
  scene.world.logMustMatch(
    /rejected a dma-buf whose fences the proxy cannot read: .*\(EMFILE\);/,
  );
  scene.plane(memoryFile());
  scene.createNow(7, 8);
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
  const { host } = scene;
  const { reader, writer } = createPipe();
  using drawing = writer;
  scene.plane(reader.release());
  scene.client.say(7, "zwp_linux_buffer_params_v1.create", SHAPE);
  scene.world.settle();
  host.say(7, "zwp_linux_buffer_params_v1.created", { buffer: 0xff000000 | 0 });
  scene.clientHeard();
  scene.hostHeard();
  scene.commit(0xff000000 | 0);
  scene.hostMustHear("wl_surface@5.attach(wl_buffer@4278190080, 0, 0)");
  writeFd(drawing.number, Uint8Array.of(1));
  scene.hostMustHear("wl_surface@5.commit()");
});
