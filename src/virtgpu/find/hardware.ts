/**
 * What sysfs tells of GPUs: to anybody, and without opening a node, which this
 * user may not be allowed to, and which would wake a GPU that sleeps.
 */
import { DRIVER } from "./node_examination.ts";

/**
 * virtio's number for a GPU (Virtual I/O Device specification, "Device Types").
 */
const VIRTIO_ID_GPU = 16;

/**
 * What the machine has of a virtio-gpu. "unknown": there is no sysfs to be
 * read, or none that this process may read.
 */
export type VirtgpuHardware =
  | "absent"
  | "without driver"
  | "driven"
  | "unknown";

/** Looks through the virtio devices. */
export function virtgpuHardware(sysfs = "/sys"): VirtgpuHardware {
  const devices = `${sysfs}/bus/virtio/devices`;
  try {
    const paths = [...Deno.readDirSync(devices)].map(({ name }) =>
      `${devices}/${name}`
    ).filter(isVirtgpu);
    if (paths.length === 0) return "absent";
    return paths.some((path) => linkedName(`${path}/driver`) === DRIVER)
      ? "driven"
      : "without driver";
  } catch (error) {
    // a kernel without virtio has no such bus
    return error instanceof Deno.errors.NotFound && hasBuses(sysfs)
      ? "absent"
      : "unknown";
  }
}

/**
 * The driver of the GPU that a node belongs to; for a virtio-gpu the name that
 * an opened node would give; null where sysfs does not know the node.
 */
export function driverBehind(path: string, sysfs = "/sys"): string | null {
  try {
    const device = `${sysfs}/dev/char/${numbersOf(path)}/device`;
    // older kernels give the virtio device itself, newer ones what that is
    // plugged into
    const parts = [...Deno.readDirSync(device)].filter(({ name }) =>
      /^virtio[0-9]+$/.test(name)
    ).map(({ name }) => `${device}/${name}`);
    if ([device, ...parts].some(isVirtgpu)) return DRIVER;
    return linkedName(`${device}/driver`) ?? linkedName(device);
  } catch {
    return null;
  }
}

/** "226:128", as glibc's dev_t has the two numbers (<sys/sysmacros.h>). */
function numbersOf(path: string): string {
  const rdev = Deno.statSync(path).rdev ?? 0;
  const major = rdev >>> 8 & 0xfff;
  const minor = rdev & 0xff | rdev >>> 12 & 0xfff00;
  return `${major}:${minor}`;
}

/**
 * Whether this is the device on virtio's bus; a PCI device may have the same
 * number, but not this bus.
 */
function isVirtgpu(path: string): boolean {
  try {
    return linkedName(`${path}/subsystem`) === "virtio" &&
      Number(Deno.readTextFileSync(`${path}/device`)) === VIRTIO_ID_GPU;
  } catch {
    return false;
  }
}

function linkedName(path: string): string | null {
  try {
    return Deno.readLinkSync(path).split("/").at(-1) ?? null;
  } catch {
    return null;
  }
}

function hasBuses(sysfs: string): boolean {
  try {
    return Deno.statSync(`${sysfs}/bus`).isDirectory;
  } catch {
    return false;
  }
}
