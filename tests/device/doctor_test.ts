/** `wayferry doctor` on emulated machines, and on such as are made up. */
import { EmulatedDevice } from "../emulator/emulated_device.ts";
import assert from "node:assert/strict";
import { SyscallError } from "../../ffi/error.ts";
import type { OwnedFd } from "../../ffi/fd.ts";
import { EACCES } from "../../ffi/errno.ts";
import { connectUnix, socketPair } from "../../ffi/unix_socket.ts";
import { examine } from "../../src/cli/doctor.ts";
import { type Report, reportText } from "../../src/cli/doctor_report.ts";
import { MOST_CLIENTS } from "../../src/host/virtgpu_host.ts";
import { plainStyle } from "../../src/cli/help.ts";
import { getInterface } from "../../protocols/tables.ts";
import { Loop } from "../../src/loop/loop.ts";
import {
  type DeviceSystem,
  findNode,
  NoDeviceError,
} from "../../src/virtgpu/find_device.ts";
import { Faults } from "../emulator/faults.ts";
import {
  crosvmWithMinigbm,
  hostProfile,
  rutabagas,
} from "../emulator/host_profile.ts";
import { Machine, type MachineOptions } from "../emulator/machine.ts";
import { Peer } from "../scenario/support/peer.ts";
import { usualGlobals } from "../scenario/support/world.ts";
import { makeScratch } from "../support/scratch.ts";
import { startSway } from "../support/sway.ts";

const XR24 = 0x34325258;

type Globals = readonly (readonly [number, string, number])[];

/** A machine to be examined. Compositors have said all that they will say before anybody asks. */
class World implements Disposable {
  readonly loop: Loop;
  readonly environment = new Map<string, string>();
  /** How often somebody has connected to the host. */
  connections = 0;
  readonly #resources = new DisposableStack();

  constructor() {
    this.loop = this.#resources.use(new Loop());
    const { path } = this.#resources.use(makeScratch("doctor"));
    this.environment.set("XDG_RUNTIME_DIR", path);
  }

  /** A compositor's connection. */
  compositor(
    globals: Globals | "silent",
    modifier = 0,
    callbacks: readonly number[] = [],
  ): OwnedFd {
    const [ours, theirs] = socketPair();
    const peer = this.#resources.use(new Peer(theirs, "events"));
    this.connections++;
    if (globals === "silent") return ours;
    for (const global of globals) peer.say(2, "wl_registry.global", ...global);
    peer.say(3, "wl_callback.done", 0);
    if (globals.some(([, name]) => name === "zwp_linux_dmabuf_v1")) {
      peer.objects.set(5, getInterface("zwp_linux_dmabuf_v1"));
      peer.say(5, "zwp_linux_dmabuf_v1.modifier", XR24, 0, modifier);
    }
    for (const id of callbacks) peer.say(id, "wl_callback.done", 0);
    // what a client that shows a window would wait for: see example.ts of the device
    peer.say(8, "xdg_surface.configure", 1);
    peer.say(12, "wl_callback.done", 0);
    return ours;
  }

  /** A compositor on this machine. */
  offerLocally(globals: Globals | "silent"): void {
    this.environment.set(
      "WAYLAND_SOCKET",
      String(this.compositor(globals).release()),
    );
  }

  /** A machine with an emulated device as its only node. */
  emulate(
    options: Partial<MachineOptions> = {},
    globals: Globals | "silent" = usualGlobals,
  ): DeviceSystem {
    const machine = this.#resources.use(
      new Machine({
        loop: this.loop,
        profile: hostProfile("0.1.85", "stock"),
        connect: () => this.compositor(globals),
        ...options,
      }),
    );
    return { ...noDevice, nodeNames, open: () => new EmulatedDevice(machine) };
  }

  examine(devices: DeviceSystem, kernelRelease = "6.1.0-56-amd64"): Report {
    const { loop, environment } = this;
    return examine({
      loop,
      environment,
      kernelRelease,
      devices,
      patienceMilliseconds: 300,
    });
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}

const nodeNames = (): string[] => ["by-path", "card0", "renderD128"];

const noDevice: DeviceSystem = {
  nodeNames: () => [],
  pathOf: (name) => `/dev/dri/${name}`,
  open: (path) => {
    throw new SyscallError(`open ${path}`, EACCES);
  },
  groupOf: () => "render",
  hasHardware: () => false,
};

function textOf(report: Report): string {
  return reportText(report, plainStyle);
}

/** The lines that say what is missing, without the mark. */
function missingIn(report: Report): string[] {
  return report.sections.flatMap(({ findings }) => findings).filter((
    { state },
  ) => state === "missing").map(({ subject }) => subject);
}

for (const rutabaga of rutabagas) {
  Deno.test(`on a machine whose host is rutabaga ${rutabaga} applications run over virtio-gpu`, () => {
    using world = new World();
    const profile = hostProfile(rutabaga, "stock");
    const report = world.examine(world.emulate({ profile }));
    assert.deepEqual(missingIn(report), []);
    assert.equal(report.verdict, "over virtio-gpu");
    const text = textOf(report);
    for (
      const line of [
        "ok       kernel: Linux 6.1.0-56-amd64",
        "ok       node: /dev/dri/renderD128 (emulated), of the driver virtio_gpu ",
        "ok       HOST_VISIBLE: there is a window to the host's memory",
        "ok       capability set: cross-domain (5), version 1",
        "ok       channel: Wayland",
        `ok       dialect: ${profile.identifiers} identifiers per message`,
        "ok       compositor: the host has answered within",
        "ok       xdg_wm_base: version 5",
        "ok       host memory: can be had and written to",
        "ok       window: a small one was shown for a moment",
        "wayferry proxy --virtio-gpu -- COMMAND",
      ]
    ) assert.ok(text.includes(line), `${line} is not in\n${text}`);
  });
}

Deno.test("a parameter that is missing is told in the words of every refusal", () => {
  using world = new World();
  const devices = world.emulate({ parameters: { HOST_VISIBLE: 0 } });
  const report = world.examine(devices);
  assert.equal(report.verdict, "not at all");
  assert.deepEqual(missingIn(report), ["HOST_VISIBLE", "compositor"]);
  const words =
    "the device has no host-visible memory; give it a window, for QEMU with hostmem=8G";
  assert.ok(textOf(report).includes(words));
  assert.throws(
    () => findNode(devices),
    (error) => error instanceof NoDeviceError && error.message.includes(words),
  );
});

Deno.test("a node that may not be opened is told with the group that owns it", () => {
  using world = new World();
  const report = world.examine({ ...noDevice, nodeNames });
  assert.deepEqual(missingIn(report), ["node", "compositor"]);
  assert.match(
    textOf(report),
    /renderD128 may not be opened by this user; add the user to the group that may, render,/,
  );
  assert.throws(
    () => findNode({ ...noDevice, nodeNames, groupOf: () => null }),
    /nor by any group; let udev give it to one/,
  );
});

Deno.test("a device without a driver is told apart from none", () => {
  assert.throws(
    () => findNode({ ...noDevice, hasHardware: () => true }),
    /no driver for it; load the kernel module virtio_gpu/,
  );
  assert.throws(() => findNode(noDevice), /this machine has no virtio-gpu/);
});

Deno.test("without a device applications run on this machine's compositor", () => {
  using world = new World();
  world.offerLocally(usualGlobals);
  const report = world.examine(noDevice);
  assert.deepEqual(missingIn(report), []);
  assert.equal(report.verdict, "on this machine's compositor");
  const text = textOf(report);
  assert.match(text, /note +node: this machine has no virtio-gpu/);
  assert.match(text, /ok +wl_seat: version 8/);
});

Deno.test("where the device is usable, the compositor of this machine is not asked", () => {
  using world = new World();
  world.offerLocally(usualGlobals);
  const report = world.examine(world.emulate({}, "silent"));
  assert.deepEqual(missingIn(report), ["compositor"]);
  assert.equal(report.verdict, "not at all");
  assert.match(
    textOf(report),
    /the host has not answered within 300 ms; see whether/,
  );
});

Deno.test("a compositor that has no shell is not enough", () => {
  using world = new World();
  world.offerLocally(
    usualGlobals.filter(([, name]) => name !== "xdg_wm_base"),
  );
  const report = world.examine(noDevice);
  assert.deepEqual(missingIn(report), ["node", "xdg_wm_base"]);
  assert.equal(report.verdict, "not at all");
});

Deno.test("globals are told by what becomes of them", () => {
  using world = new World();
  const text = textOf(world.examine(world.emulate({}, [
    ...usualGlobals,
    [7, "wp_viewporter", 1],
    [8, "zwp_linux_dmabuf_v1", 4],
    [9, "zwlr_layer_shell_v1", 3],
    [10, "acme_toaster_v1", 1],
  ])));
  for (
    const line of [
      "note     also offered: wp_viewporter 1\n",
      "note     kept from applications, unless --allow names it: zwlr_layer_shell_v1\n",
      "note     cannot cross the boundary: zwp_linux_dmabuf_v1\n",
      "note     unknown to this version, and kept from applications: acme_toaster_v1\n",
    ]
  ) assert.ok(text.includes(line), `${line} is not in\n${text}`);
});

for (
  const [modifier, taken] of [[0, true], [1, false]] as const
) {
  Deno.test(`where the host's memory is dma-bufs a window is ${taken ? "shown" : "not shown"} that the compositor ${taken ? "takes" : "does not take"}`, () => {
    using world = new World();
    const dmabuf = [7, "zwp_linux_dmabuf_v1", 4] as const;
    const text = textOf(world.examine(world.emulate({
      profile: crosvmWithMinigbm,
      connect: () => world.compositor([...usualGlobals, dmabuf], modifier),
    })));
    for (
      const line of [
        "note     memory: the host allocates dma-bufs, which its compositor must take as such\n",
        "ok       pictures: are shown by zwp_linux_dmabuf_v1 4\n",
        "ok       host memory: can be had and written to\n",
        taken
          ? "ok       window: a small one was shown for a moment\n"
          : "MISSING  window: the compositor did not take a small one: the host's memory is dma-bufs, and its compositor takes none with rows one after another\n",
      ]
    ) assert.ok(text.includes(line), `${line} is not in\n${text}`);
  });
}

for (
  const [answers, words] of [
    [true, /ok +guest memory: what an application has sealed is not copied/],
    [
      false,
      /note +guest memory: .* which does not take it, so it is copied; see whether \/dev\/udmabuf can be opened here/,
    ],
  ] as const
) {
  Deno.test(`memory that the kernel offers to the host is ${answers ? "taken" : "not taken"}, and that is told`, () => {
    using world = new World();
    const report = world.examine(world.emulate({
      guestHandles: "taken",
      connect: () => world.compositor(usualGlobals, 0, answers ? [6] : []),
    }));
    assert.match(textOf(report), words);
    assert.equal(report.verdict, "over virtio-gpu");
  });
}

Deno.test("a compositor that may refuse the host's memory is told", () => {
  using world = new World();
  const devices = world.emulate({ profile: crosvmWithMinigbm });
  assert.match(
    textOf(world.examine(devices)),
    /note +pictures: .* has no zwp_linux_dmabuf_v1 of version 3; they are tried as shared memory/,
  );
});

Deno.test("a host that gives no memory is told, and no window is tried", () => {
  using world = new World();
  const faults = new Faults();
  faults.windowBytes = 0;
  const report = world.examine(world.emulate({ faults }));
  assert.deepEqual(missingIn(report), ["host memory"]);
  assert.equal(world.connections, 1);
});

Deno.test("a device that has all the connections that it bears is told", () => {
  using world = new World();
  const devices = world.emulate();
  using others = new DisposableStack();
  for (let place = 0; place < MOST_CLIENTS; place++) {
    others.use(devices.open("")).takePlace(place);
  }
  const report = world.examine(devices);
  assert.deepEqual(missingIn(report), ["connection"]);
  assert.match(
    textOf(report),
    /connection: 40 connections go through .*renderD128.* end an application/,
  );
});

Deno.test("a kernel that is too old matters only with a device", () => {
  using world = new World();
  const old = "5.10.0-28-amd64";
  assert.deepEqual(missingIn(world.examine(world.emulate(), old)), ["kernel"]);
  world.offerLocally(usualGlobals);
  assert.deepEqual(missingIn(world.examine(noDevice, old)), []);
});

Deno.test("Xwayland is told where it is, which alone makes it no condition", () => {
  using world = new World();
  using scratch = makeScratch("path");
  const [empty, folder] = ["empty", "programs"].map((name) => {
    const path = `${scratch.path}/${name}`;
    Deno.mkdirSync(path);
    return path;
  });
  const devices = world.emulate();
  const absent = "note     Xwayland: not on the PATH; only X11 applications";
  const assertTold = (line: string): void => {
    const report = world.examine(devices);
    assert.ok(textOf(report).includes(line), textOf(report));
    assert.equal(report.verdict, "over virtio-gpu");
  };
  assertTold(absent);
  world.environment.set("PATH", `${empty}::${folder}`);
  assertTold(absent);
  Deno.mkdirSync(`${empty}/Xwayland`);
  assertTold(absent);
  Deno.writeTextFileSync(`${folder}/Xwayland`, "");
  assertTold(`note     Xwayland: ${folder}/Xwayland\n`);
});

Deno.test("without a place for sockets no application would run", () => {
  using world = new World();
  world.offerLocally(usualGlobals);
  world.environment.delete("XDG_RUNTIME_DIR");
  assert.deepEqual(missingIn(world.examine(noDevice)), [
    "XDG_RUNTIME_DIR",
    "node",
  ]);
});

Deno.test("a window is shown on a real compositor, and gone afterwards", async () => {
  await using sway = await startSway();
  using world = new World();
  const devices = world.emulate({
    connect: () => connectUnix(sway.waylandDisplay),
  });
  const report = world.examine(devices);
  assert.deepEqual(missingIn(report), []);
  assert.match(textOf(report), /ok +window: a small one was shown/);
  assert.equal(await sway.windowArea(), undefined);
});
