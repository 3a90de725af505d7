/** `wayferry doctor` on emulated machines, and on such as are made up. */
import { EmulatedDevice } from "../emulator/emulated_device.ts";
import assert from "node:assert/strict";
import { SyscallError } from "../../ffi/error.ts";
import type { OwnedFd } from "../../ffi/fd.ts";
import {
  EACCES,
  EBUSY,
  EMFILE,
  ENODEV,
  ENXIO,
  EPERM,
  errnoName,
} from "../../ffi/errno.ts";
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

/** Of several devices. */
const twoNodes = (): string[] => ["card0", "card1", "renderD128", "renderD129"];

const noDevice: DeviceSystem = {
  nodeNames: () => [],
  pathOf: (name) => `/dev/dri/${name}`,
  open: (path) => {
    throw new SyscallError(`open ${path}`, EACCES);
  },
  openersOf: () => ({ kind: "group", name: "render" }),
  driverBehind: () => null,
  hardware: () => "absent",
};

/** The same, with a virtio-gpu behind its nodes, which may not be opened. */
const forbidden: DeviceSystem = {
  ...noDevice,
  nodeNames,
  driverBehind: () => "virtio_gpu",
  hardware: () => "driven",
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

Deno.test("a parameter that the kernel does not know is the kernel's lack, and not the device's", () => {
  using world = new World();
  const devices = world.emulate({
    parameters: {
      RESOURCE_BLOB: null,
      HOST_VISIBLE: null,
      CONTEXT_INIT: null,
      SUPPORTED_CAPSET_IDS: null,
    },
  });
  const report = world.examine(devices, "5.10.0-28-amd64");
  assert.deepEqual(missingIn(report), [
    "kernel",
    "RESOURCE_BLOB",
    "HOST_VISIBLE",
    "CONTEXT_INIT",
    "capability set",
    "compositor",
  ]);
  const text = textOf(report);
  assert.doesNotMatch(text, /start the VM|hostmem/);
  assert.match(
    text,
    /MISSING +capability set: .*: the kernel knows nothing of it; use Linux 5\.16 or newer/,
  );
  assert.throws(
    () => findNode(devices),
    /: the kernel knows nothing of it; use Linux 5\.16 or newer \(RESOURCE_BLOB, HOST_VISIBLE, CONTEXT_INIT, capability set\)$/,
    "a client is told once",
  );
});

Deno.test("a node that may not be opened is told with the group that owns it", () => {
  using world = new World();
  const report = world.examine(forbidden);
  assert.deepEqual(missingIn(report), ["node", "compositor"]);
  assert.match(
    textOf(report),
    /renderD128 may not be opened by this user; add the user to the group that may, render,/,
  );
  assert.match(
    textOf(report),
    /see what is MISSING\. Of virtio-gpu and this machine's compositor one is enough\.\n/,
  );
  assert.throws(
    () => findNode({ ...forbidden, openersOf: () => ({ kind: "root" }) }),
    /nor by any group; let udev give it to one/,
  );
  assert.throws(
    () => findNode({ ...forbidden, openersOf: () => ({ kind: "hidden" }) }),
    /may not enter \/dev\/dri; let everybody do that \(chmod 0755 \/dev\/dri\)/,
  );
});

for (
  const [errno, words] of [
    [
      EPERM,
      /in this container or service; let it have the device, .*--device=/,
    ],
    [ENXIO, /there is no device behind \/dev\/dri\/renderD128; remove it/],
    [ENODEV, /there is no device behind \/dev\/dri\/renderD128; remove it/],
    [EMFILE, /Too many open files \(EMFILE\)/],
  ] as const
) {
  Deno.test(`a node that cannot be opened for ${errnoName(errno)} is told with what to do`, () => {
    const open = (path: string): never => {
      throw new SyscallError(`open ${path}`, errno);
    };
    assert.throws(() => findNode({ ...forbidden, open }), words);
  });
}

Deno.test("where descriptors have run out, that is the reason, whatever sysfs seems to say", () => {
  const open = (path: string): never => {
    throw new SyscallError(`open ${path}`, EMFILE);
  };
  assert.throws(() => findNode({ ...noDevice, nodeNames, open }), /EMFILE/);
});

Deno.test("a forbidden node of another GPU is no reason to ask for permissions", () => {
  using world = new World();
  const devices: DeviceSystem = {
    ...noDevice,
    nodeNames,
    driverBehind: () => "i915",
  };
  const report = world.examine(devices);
  const text = textOf(report);
  assert.deepEqual(missingIn(report), ["node", "compositor"]);
  assert.match(text, /MISSING +node: this machine has no virtio-gpu/);
  assert.match(text, /note +node: .*renderD128 is of the driver i915, not/);
  assert.doesNotMatch(text, /card0|group/, "once is enough");
  assert.throws(
    () => findNode(devices),
    (error) =>
      error instanceof NoDeviceError &&
      /^this machine has no virtio-gpu;[^;]*$/.test(error.message),
  );
});

Deno.test("a forbidden node of which sysfs knows nothing may be a virtio-gpu's, unless the machine has none", () => {
  const unknown: DeviceSystem = { ...forbidden, driverBehind: () => null };
  for (const hardware of ["driven", "unknown"] as const) {
    assert.throws(
      () => findNode({ ...unknown, hardware: () => hardware }),
      /add the user to the group/,
    );
  }
  assert.throws(
    () => findNode({ ...unknown, hardware: () => "absent" }),
    /^NoDeviceError: this machine has no virtio-gpu/,
  );
});

for (
  const [what, driver, line] of [
    [
      "another GPU",
      "i915",
      /note +node: \/dev\/dri\/renderD128 is of the driver i915, not virtio_gpu\n/,
    ],
    [
      "another virtio-gpu",
      "virtio_gpu",
      /note +node: \/dev\/dri\/renderD128 cannot be opened, and is not needed: there is another one\n/,
    ],
  ] as const
) {
  Deno.test(`where a node is usable, ${what} that may not be opened is a note`, () => {
    using world = new World();
    const usable = world.emulate();
    const report = world.examine({
      ...usable,
      nodeNames: twoNodes,
      driverBehind: () => driver,
      open: (path) => (path.endsWith("128") ? forbidden : usable).open(path),
    });
    assert.deepEqual(missingIn(report), []);
    assert.equal(report.verdict, "over virtio-gpu");
    assert.match(textOf(report), line);
    assert.doesNotMatch(textOf(report), /group|card/);
  });
}

Deno.test("where a node is usable, what another virtio-gpu lacks is one note", () => {
  using world = new World();
  const usable = world.emulate();
  const other = world.emulate({
    capset: null,
    parameters: { SUPPORTED_CAPSET_IDS: 0, HOST_VISIBLE: 0 },
  });
  const report = world.examine({
    ...usable,
    nodeNames: twoNodes,
    open: (path) => (path.endsWith("128") ? other : usable).open(path),
  });
  assert.deepEqual(missingIn(report), []);
  const text = textOf(report);
  assert.match(
    text,
    /note +node: \/dev\/dri\/renderD128 lacks HOST_VISIBLE, capability set, and is not needed/,
  );
  assert.equal(text.match(/HOST_VISIBLE:/g)?.length, 1);
});

Deno.test("a host that does not answer for its capability set is told, with all that was found before", () => {
  using world = new World();
  const devices = world.emulate();
  const report = world.examine({
    ...devices,
    open: (path) => {
      const device = devices.open(path);
      device.getCapset = () => {
        throw new SyscallError("ask for capability set 5", EBUSY);
      };
      return device;
    },
  });
  assert.deepEqual(missingIn(report), ["capability set", "compositor"]);
  const text = textOf(report);
  assert.match(text, /ok +HOST_VISIBLE/);
  assert.match(
    text,
    /MISSING +capability set: .*: the host has not answered for seconds; see what the VMM's log/,
  );
});

for (
  const [hardware, words] of [
    ["without driver", /no driver for it; load the kernel module virtio_gpu/],
    ["driven", /its driver, but no device node of it here; in a container/],
    ["absent", /this machine has no virtio-gpu; start the VM with one/],
    ["unknown", /this machine has no virtio-gpu; start the VM with one/],
  ] as const
) {
  Deno.test(`where there is no node, and the hardware is ${hardware}, that is told`, () => {
    assert.throws(
      () => findNode({ ...noDevice, hardware: () => hardware }),
      words,
    );
  });
}

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
    /the host has not answered within 0\.3 s; see whether the compositor runs there, whether the VMM/,
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

Deno.test("an old number of the kernel does not matter where the kernel knows everything", () => {
  using world = new World();
  const report = world.examine(world.emulate(), "5.14.0-503.el9.x86_64");
  assert.deepEqual(missingIn(report), []);
  assert.equal(report.verdict, "over virtio-gpu");
  assert.match(textOf(report), /ok +kernel: Linux 5\.14\.0-503\.el9/);
});

Deno.test("a kernel that is too old for virtio-gpu is not for this machine's compositor", () => {
  const old = "5.10.0-28-amd64";
  const tooOld = { parameters: { CONTEXT_INIT: null } };
  for (const hasDevice of [true, false]) {
    using world = new World();
    world.offerLocally(usualGlobals);
    const devices = hasDevice ? world.emulate(tooOld) : noDevice;
    const report = world.examine(devices, old);
    assert.deepEqual(missingIn(report), []);
    assert.equal(report.verdict, "on this machine's compositor");
    assert.match(textOf(report), /note +kernel: Linux 5\.10\.0-28-amd64 is/);
  }
});

for (
  const [environment, words] of [
    [{}, /wayland-0".*; WAYLAND_DISPLAY is not set: start a compositor/],
    [
      { WAYLAND_DISPLAY: "other" },
      /other".*; start a compositor, or set WAYLAND_DISPLAY to the socket of one\n/,
    ],
    [
      { WAYLAND_SOCKET: "word" },
      /compositor: Cannot use WAYLAND_SOCKET: "word" is no file descriptor\n/,
    ],
  ] as const
) {
  Deno.test(`without a compositor here (${Object.entries(environment).join() || "nothing is set"}) it is told what to do`, () => {
    using world = new World();
    for (const [name, value] of Object.entries(environment)) {
      world.environment.set(name, value);
    }
    assert.match(textOf(world.examine(noDevice)), words);
  });
}

Deno.test("a compositor of this machine that does not answer is no matter of a VMM", () => {
  using world = new World();
  world.offerLocally("silent");
  const text = textOf(world.examine(noDevice));
  assert.match(
    text,
    /MISSING +compositor: the inherited WAYLAND_SOCKET has not answered within 0\.3 s; see whether a compositor is at/,
  );
  assert.doesNotMatch(text, /VMM/);
});

for (
  const [directory, words] of [
    ["/nowhere/at/all", /\/nowhere\/at\/all does not exist; set it to/],
    ["run", /run is no absolute path; set it to a directory/],
    ["/dev/null", /no socket can be made in \/dev\/null: /],
  ] as const
) {
  Deno.test(`XDG_RUNTIME_DIR is told to be of no use where it is ${directory}`, () => {
    using world = new World();
    world.environment.set("XDG_RUNTIME_DIR", directory);
    const report = world.examine(noDevice);
    assert.ok(missingIn(report).includes("XDG_RUNTIME_DIR"));
    assert.match(textOf(report), words);
  });
}

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
  const program = `${folder}/Xwayland`;
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
  Deno.writeTextFileSync(program, "");
  assertTold(absent);
  Deno.chmodSync(program, 0o755);
  assertTold(`note     Xwayland: ${program}; only X11 applications need it`);
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
