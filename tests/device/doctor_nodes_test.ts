/**
 * What `wayferry doctor`, and every refusal, says of device nodes and the
 * kernel: which of them can be used, or why none can.
 */
import assert from "node:assert/strict";
import {
  EBUSY,
  EMFILE,
  ENODEV,
  ENXIO,
  EPERM,
  errnoName,
} from "../../ffi/errno.ts";
import { SyscallError } from "../../ffi/error.ts";
import {
  type DeviceSystem,
  findNode,
  NoDeviceError,
} from "../../src/virtgpu/find/find_device.ts";
import { usualGlobals } from "../support/relay_world.ts";
import {
  assertUsable,
  ExaminedMachine,
  forbidden,
  nodeNames,
  noDevice,
  twoNodes,
} from "./support/examined_machine.ts";

/** How a node is opened that cannot be. */
function failingOpen(errno: number): (path: string) => never {
  return (path) => {
    throw new SyscallError(`open ${path}`, errno);
  };
}

Deno.test("a parameter that is missing is told in the words of every refusal", () => {
  using world = new ExaminedMachine();
  const devices = world.emulate({ parameters: { HOST_VISIBLE: 0 } });
  const report = world.examine(devices);
  assert.equal(report.verdict, "not at all");
  assert.deepEqual(report.missing, ["HOST_VISIBLE", "compositor"]);
  const words =
    "the device has no host-visible memory; give it a memory window (QEMU: hostmem=8G)";
  assert.ok(report.text.includes(words));
  assert.throws(
    () => findNode(devices),
    (error) => error instanceof NoDeviceError && error.message.includes(words),
  );
});

Deno.test("a parameter that the kernel does not know is the kernel's lack, and not the device's", () => {
  using world = new ExaminedMachine();
  const devices = world.emulate({
    parameters: {
      RESOURCE_BLOB: null,
      HOST_VISIBLE: null,
      CONTEXT_INIT: null,
      SUPPORTED_CAPSET_IDS: null,
    },
  });
  const report = world.examine(devices, "5.10.0-28-amd64");
  assert.deepEqual(report.missing, [
    "kernel",
    "RESOURCE_BLOB",
    "HOST_VISIBLE",
    "CONTEXT_INIT",
    "capability set",
    "compositor",
  ]);
  assert.doesNotMatch(report.text, /start the VM|hostmem/);
  assert.match(
    report.text,
    /MISSING +capability set: .*: the kernel does not know it; use Linux 5\.16 or newer/,
  );
  assert.throws(
    () => findNode(devices),
    /: the kernel does not know it; use Linux 5\.16 or newer \(RESOURCE_BLOB, HOST_VISIBLE, CONTEXT_INIT, capability set\)$/,
    "a client is told once",
  );
});

Deno.test("a node that may not be opened is told with the group that owns it", () => {
  using world = new ExaminedMachine();
  const report = world.examine(forbidden);
  assert.deepEqual(report.missing, ["node", "compositor"]);
  assert.match(
    report.text,
    /this user may not open .*renderD128; add the user to the group render,/,
  );
  assert.match(
    report.text,
    /see what is MISSING\. Either virtio-gpu or this machine's compositor is enough\.\n/,
  );
  assert.throws(
    () => findNode({ ...forbidden, openersOf: () => ({ kind: "root" }) }),
    /nor any group may open .*; let udev give it to a group/,
  );
  assert.throws(
    () => findNode({ ...forbidden, openersOf: () => ({ kind: "hidden" }) }),
    /\/dev\/dri is closed to this user; open it for everybody \(chmod 0755 \/dev\/dri\)/,
  );
});

for (
  const [errno, words] of [
    [
      EPERM,
      /container or service may not use .*; give it the device .*--device=/,
    ],
    [ENXIO, /there is no device behind \/dev\/dri\/renderD128; remove it/],
    [ENODEV, /there is no device behind \/dev\/dri\/renderD128; remove it/],
    [EMFILE, /Too many open files \(EMFILE\)/],
  ] as const
) {
  Deno.test(`a node that cannot be opened for ${errnoName(errno)} is told with what to do`, () => {
    const open = failingOpen(errno);
    assert.throws(() => findNode({ ...forbidden, open }), words);
  });
}

Deno.test("where descriptors have run out, that is the reason, whatever sysfs seems to say", () => {
  const open = failingOpen(EMFILE);
  assert.throws(() => findNode({ ...noDevice, nodeNames, open }), /EMFILE/);
});

Deno.test("a forbidden node of another GPU is no reason to ask for permissions", () => {
  using world = new ExaminedMachine();
  const devices = { ...noDevice, nodeNames, driverBehind: () => "i915" };
  const report = world.examine(devices);
  assert.deepEqual(report.missing, ["node", "compositor"]);
  assert.match(report.text, /MISSING +node: this machine has no virtio-gpu/);
  assert.match(
    report.text,
    /note +node: .*renderD128 has the driver i915, not/,
  );
  assert.doesNotMatch(report.text, /card0|group/, "once is enough");
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
      /note +node: \/dev\/dri\/renderD128 has the driver i915, not virtio_gpu\n/,
    ],
    [
      "another virtio-gpu",
      "virtio_gpu",
      /note +node: \/dev\/dri\/renderD128 cannot be opened, but another node can be used\n/,
    ],
  ] as const
) {
  Deno.test(`where a node is usable, ${what} that may not be opened is a note`, () => {
    using world = new ExaminedMachine();
    const usable = world.emulate();
    const report = world.examine({
      ...usable,
      nodeNames: twoNodes,
      driverBehind: () => driver,
      open: (path) => (path.endsWith("128") ? forbidden : usable).open(path),
    });
    assertUsable(report);
    assert.match(report.text, line);
    assert.doesNotMatch(report.text, /group|card/);
  });
}

Deno.test("where a node is usable, what another virtio-gpu lacks is one note", () => {
  using world = new ExaminedMachine();
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
  assert.deepEqual(report.missing, []);
  assert.match(
    report.text,
    /note +node: \/dev\/dri\/renderD128 lacks HOST_VISIBLE, capability set, but another node can be used/,
  );
  assert.equal(report.text.match(/HOST_VISIBLE:/g)?.length, 1);
});

Deno.test("a host that does not answer for its capability set is told, with all that was found before", () => {
  using world = new ExaminedMachine();
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
  assert.deepEqual(report.missing, ["capability set", "compositor"]);
  assert.match(report.text, /ok +HOST_VISIBLE/);
  assert.match(
    report.text,
    /MISSING +capability set: .*: the host did not answer for several seconds; read the VMM's log/,
  );
});

for (
  const [hardware, words] of [
    ["without driver", /no driver for it; load the kernel module virtio_gpu/],
    [
      "driven",
      /its driver, but there is no device node for it; give the device/,
    ],
    [
      "absent",
      /this machine has no virtio-gpu; start the VM with a virtio-gpu/,
    ],
    [
      "unknown",
      /this machine has no virtio-gpu; start the VM with a virtio-gpu/,
    ],
  ] as const
) {
  Deno.test(`where there is no node, and the hardware is ${hardware}, that is told`, () => {
    const devices = { ...noDevice, hardware: () => hardware };
    assert.throws(() => findNode(devices), words);
  });
}

Deno.test("an old number of the kernel does not matter where the kernel knows everything", () => {
  using world = new ExaminedMachine();
  const report = world.examine(world.emulate(), "5.14.0-503.el9.x86_64");
  assertUsable(report);
  assert.match(report.text, /ok +kernel: Linux 5\.14\.0-503\.el9/);
});

Deno.test("a kernel that is too old for virtio-gpu is not for this machine's compositor", () => {
  const old = "5.10.0-28-amd64";
  const tooOld = { parameters: { CONTEXT_INIT: null } };
  for (const hasDevice of [true, false]) {
    using world = new ExaminedMachine();
    world.offerLocally(usualGlobals);
    const devices = hasDevice ? world.emulate(tooOld) : noDevice;
    const report = world.examine(devices, old);
    assert.deepEqual(report.missing, []);
    assert.equal(report.verdict, "on this machine's compositor");
    assert.match(report.text, /note +kernel: Linux 5\.10\.0-28-amd64 is/);
  }
});
