/**
 * Finds the device: by its driver's name and by what it can do, never by its
 * number, since another GPU may come first.
 */

import { SyscallError } from "../../ffi/error.ts";
import {
  CAPSET_BYTES,
  CHANNEL_WAYLAND,
  CROSS_DOMAIN_CAPSET,
  type CrossDomainCapabilities,
  parseCapabilities,
} from "./cross_domain.ts";
import type { DeviceParameter, VirtgpuDevice } from "./device.ts";
import { openDevice } from "./kernel_device.ts";

/** Where the kernel has its device nodes. */
export const DEVICE_DIRECTORY = "/dev/dri";

/** A node that can be used. */
export interface UsableNode {
  readonly path: string;
  readonly capabilities: CrossDomainCapabilities;
  /** Whether applications here can draw with the host's GPU, and so have buffers of it. */
  readonly hasGpu: boolean;
}

/** There is no usable device; the message says what is missing, and how to mend it. */
export class NoDeviceError extends Error {
  override readonly name = "NoDeviceError";
}

/** A parameter that is needed, and what it means that it is missing. */
const NEEDED: readonly (readonly [DeviceParameter, string])[] = [
  [
    "3D_FEATURES",
    "the device has no 3D features; start the VM with a GPU whose context types include cross-domain",
  ],
  ["CAPSET_QUERY_FIX", "the kernel is too old; use Linux 5.16 or newer"],
  [
    "RESOURCE_BLOB",
    "the device offers no blob resources; start the VM with a virtio-gpu that has blobs",
  ],
  [
    "HOST_VISIBLE",
    "the device has no host-visible memory; give it a window, for QEMU with hostmem=8G",
  ],
  [
    "CONTEXT_INIT",
    "the device makes no contexts of a type; use Linux 5.16 or newer in the guest, and a current VMM",
  ],
];

/**
 * Finds a usable node.
 *
 * @throws {NoDeviceError} there is none.
 */
export function findNode(directory = DEVICE_DIRECTORY): UsableNode {
  const reasons: string[] = [];
  for (const name of nodeNames(directory)) {
    const path = `${directory}/${name}`;
    try {
      using device = openDevice(path);
      return examineNode(device);
    } catch (error) {
      if (error instanceof SyscallError) {
        reasons.push(
          error.code === "EACCES"
            ? `${path} may not be opened; add the user to the group that owns it, usually "render"`
            : `${path}: ${error.message}`,
        );
      } else if (error instanceof NoDeviceError) reasons.push(error.message);
      else throw error;
    }
  }
  throw new NoDeviceError(
    reasons.length === 0
      ? `${directory} has no GPU; start the VM with a virtio-gpu device, and load the kernel module virtio_gpu`
      : reasons.join("; "),
  );
}

/**
 * What an opened node can do. Makes no context.
 *
 * @throws {NoDeviceError} it is none that can be used.
 * @throws {SyscallError} it answers nothing.
 */
export function examineNode(device: VirtgpuDevice): UsableNode {
  const { path } = device;
  const { name } = device.version();
  if (name !== "virtio_gpu") {
    throw new NoDeviceError(`${path} is of the driver ${name}, not virtio_gpu`);
  }
  for (const [parameter, words] of NEEDED) {
    if (device.getParameter(parameter) !== 1) {
      throw new NoDeviceError(`${path}: ${words} (${parameter})`);
    }
  }
  const capsets = (device.getParameter("SUPPORTED_CAPSET_IDS") ?? 0) >>> 0;
  const bytes = (capsets & 1 << CROSS_DOMAIN_CAPSET) === 0
    ? null
    : device.getCapset(CROSS_DOMAIN_CAPSET, 0, CAPSET_BYTES);
  const capabilities = bytes === null ? null : parseCapabilities(bytes);
  if (capabilities === null) {
    throw new NoDeviceError(
      `${path}: the host offers no cross-domain context; start the VM with context-types=cross-domain (crosvm) or cross-domain=on (QEMU)`,
    );
  }
  if ((capabilities.channels & 1 << CHANNEL_WAYLAND) === 0) {
    throw new NoDeviceError(
      `${path}: the host's cross-domain context has no Wayland channel; start the VM with the compositor's socket (--wayland-sock or wayland-socket-path)`,
    );
  }
  return {
    path,
    capabilities,
    hasGpu: (capsets & ~(1 << CROSS_DOMAIN_CAPSET)) !== 0,
  };
}

/** Render nodes first: opening a card may make the opener its master. */
function nodeNames(directory: string): string[] {
  const names: string[] = [];
  try {
    for (const { name } of Deno.readDirSync(directory)) {
      if (/^(renderD|card)[0-9]+$/.test(name)) names.push(name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names.sort((one, other) =>
    kindOrder(one) - kindOrder(other) || one.localeCompare(other, "en", {
      numeric: true,
    })
  );
}

function kindOrder(name: string): number {
  return name.startsWith("renderD") ? 0 : 1;
}
