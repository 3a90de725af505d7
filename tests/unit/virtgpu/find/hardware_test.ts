/**
 * What sysfs tells of GPUs, of machines that are made up: /dev/null, which has
 * the numbers 1:3, stands for their node.
 */
import assert from "node:assert/strict";
import {
  driverBehind,
  virtgpuHardware,
} from "../../../../src/virtgpu/find/hardware.ts";
import { makeScratch, type Scratch } from "../../../support/scratch.ts";

const NODE = "/dev/null";
const devices = "bus/virtio/devices";

/**
 * Makes a sysfs of links, by their targets' names, and files, by their text.
 */
function makeSysfs(
  links: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>> = {},
): Scratch {
  const scratch = makeScratch("sysfs");
  const prepare = (path: string): string => {
    const whole = `${scratch.path}/${path}`;
    Deno.mkdirSync(whole.slice(0, whole.lastIndexOf("/")), { recursive: true });
    return whole;
  };
  for (const [path, target] of Object.entries(links)) {
    Deno.symlinkSync(target, prepare(path));
  }
  for (const [path, text] of Object.entries(files)) {
    Deno.writeTextFileSync(prepare(path), text);
  }
  return scratch;
}

/** A device on virtio's bus. */
function virtioDevice(
  path: string,
  number: string,
  driver?: string,
): [links: Record<string, string>, files: Record<string, string>] {
  return [{
    [`${path}/subsystem`]: "../../bus/virtio",
    ...driver === undefined
      ? {}
      : { [`${path}/driver`]: `../../bus/virtio/drivers/${driver}` },
  }, { [`${path}/device`]: number }];
}

for (
  const [what, arguments_, hardware] of [
    ["a GPU with its driver", ["0x0010\n", "virtio_gpu"], "driven"],
    ["a GPU without a driver", ["0x0010\n"], "without driver"],
    ["a network card", ["0x0001\n", "virtio_net"], "absent"],
  ] as const
) {
  Deno.test(`${what} on virtio's bus means that a virtio-gpu is ${hardware}`, () => {
    const [number, driver] = arguments_;
    using sysfs = makeSysfs(
      ...virtioDevice(`${devices}/virtio3`, number, driver),
    );
    assert.equal(virtgpuHardware(sysfs.path), hardware);
  });
}

Deno.test("a kernel without virtio has no virtio-gpu, and one without sysfs does not tell", () => {
  using sysfs = makeSysfs({}, { "bus/pci/rescan": "" });
  assert.equal(virtgpuHardware(sysfs.path), "absent");
  assert.equal(virtgpuHardware(`${sysfs.path}/nowhere`), "unknown");
});

Deno.test("a node on virtio's bus is a virtio-gpu's", () => {
  using sysfs = makeSysfs(
    ...virtioDevice("dev/char/1:3/device", "0x0010\n", "virtio_gpu"),
  );
  assert.equal(driverBehind(NODE, sysfs.path), "virtio_gpu");
});

Deno.test("a node of what a virtio-gpu is plugged into is a virtio-gpu's", () => {
  const pci = "dev/char/1:3/device";
  const [links, files] = virtioDevice(`${pci}/virtio3`, "0x0010\n");
  using sysfs = makeSysfs(
    {
      ...links,
      [`${pci}/subsystem`]: "../bus/pci",
      [`${pci}/driver`]: "../bus/pci/drivers/virtio-pci",
    },
    { ...files, [`${pci}/device`]: "0x1050\n" },
  );
  assert.equal(driverBehind(NODE, sysfs.path), "virtio_gpu");
});

Deno.test("a node of another GPU has that one's driver, whatever its number is", () => {
  const pci = "dev/char/1:3/device";
  using sysfs = makeSysfs({
    [`${pci}/subsystem`]: "../bus/pci",
    [`${pci}/driver`]: "../../../bus/pci/drivers/i915",
  }, { [`${pci}/device`]: "0x0010\n" });
  assert.equal(driverBehind(NODE, sysfs.path), "i915");
});

Deno.test("a device without a driver of its own is called by its name", () => {
  using sysfs = makeSysfs({
    "dev/char/1:3/device": "../../../devices/faux/vgem",
  }, { "devices/faux/vgem/uevent": "" });
  assert.equal(driverBehind(NODE, sysfs.path), "vgem");
});

Deno.test("a node that sysfs does not know, or that is not a device, has no driver", () => {
  using sysfs = makeSysfs({}, { "dev/char/1:5/uevent": "" });
  assert.equal(driverBehind(NODE, sysfs.path), null);
  assert.equal(driverBehind(`${sysfs.path}/renderD128`, sysfs.path), null);
});
