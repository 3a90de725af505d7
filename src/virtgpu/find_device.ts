/**
 * Finds the device: by its driver's name and by what it can do, never by its
 * number, since another GPU may come first.
 */

import { SyscallError } from "../../ffi/error.ts";
import type { VirtgpuDevice } from "./device.ts";
import { type Finding, missing, reasonsOf } from "./finding.ts";
import { openDevice } from "./kernel_device.ts";
import {
  DRIVER,
  inspectNode,
  type NodeExamination,
  type UsableNode,
} from "./node_examination.ts";

/** Where the kernel has its device nodes. */
const DEVICE_DIRECTORY = "/dev/dri";

/** virtio's number for a GPU (Virtual I/O Device specification, "Device Types"). */
const VIRTIO_ID_GPU = 16;

/** There is no usable device; the message says what is missing, and how to mend it. */
export class NoDeviceError extends Error {
  override readonly name = "NoDeviceError";
}

/** It cannot be told which nodes there are; the message says why, and how to mend it. */
export class UnlistedError extends Error {
  override readonly name = "UnlistedError";
}

/** The machine, as far as finding a device needs it. */
export interface DeviceSystem {
  /** Names of the nodes; empty where there are none. @throws {UnlistedError} */
  nodeNames(): readonly string[];
  /** The path of a node. */
  pathOf(name: string): string;
  /** @throws {SyscallError} */
  open(path: string): VirtgpuDevice;
  /** The group whose members may open a node, or null where no group may. */
  groupOf(path: string): string | null;
  /** Whether the machine has a virtio-gpu, with or without a driver. */
  hasHardware(): boolean;
}

/** What was found at all nodes together. */
export interface DeviceSearch {
  readonly findings: readonly Finding[];
  /** Whether one of them is a virtio-gpu, or may be one. */
  readonly hasDevice: boolean;
  readonly usable: UsableNode | null;
}

/** The machine that this runs on. */
export function kernelSystem(directory = DEVICE_DIRECTORY): DeviceSystem {
  return {
    nodeNames: () => {
      try {
        return [...Deno.readDirSync(directory)].map(({ name }) => name);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return [];
        throw new UnlistedError(unlisted(directory, error), { cause: error });
      }
    },
    pathOf: (name) => `${directory}/${name}`,
    open: openDevice,
    groupOf,
    hasHardware,
  };
}

/**
 * Finds a usable node.
 *
 * @throws {NoDeviceError} there is none.
 */
export function findNode(system: DeviceSystem = kernelSystem()): UsableNode {
  const { usable, findings } = searchDevices(system);
  if (usable === null) throw new NoDeviceError(whyNone(findings));
  return usable;
}

/**
 * What an opened node can do. Makes no context.
 *
 * @throws {NoDeviceError} it is none that can be used.
 * @throws {SyscallError} it answers nothing.
 */
export function examineNode(device: VirtgpuDevice): UsableNode {
  const { usable, findings } = inspectNode(device);
  if (usable === null) throw new NoDeviceError(whyNone(findings));
  return usable;
}

/** Looks at one node after another, up to the first that can be used. */
export function searchDevices(system: DeviceSystem): DeviceSearch {
  const findings: Finding[] = [];
  const names = namesOf(system, findings);
  // where nobody can look there may be one
  let hasDevice = names === null;
  for (const name of inOrder(names ?? [])) {
    // a card is the same device once more
    if (hasDevice && name.startsWith("card")) continue;
    const path = system.pathOf(name);
    const { driver, usable, findings: found } = examinePath(system, path);
    findings.push(...found);
    if (usable !== null) return { findings, hasDevice: true, usable };
    if (driver === null || driver === DRIVER) hasDevice = true;
  }
  if (!hasDevice) findings.push(missing("node", withoutNode(system)));
  return { findings, hasDevice, usable: null };
}

/** @returns null, with a finding, where they cannot be told */
function namesOf(
  system: DeviceSystem,
  findings: Finding[],
): readonly string[] | null {
  try {
    return system.nodeNames();
  } catch (error) {
    if (!(error instanceof UnlistedError)) throw error;
    findings.push(missing("node", error.message));
    return null;
  }
}

function unlisted(directory: string, error: unknown): string {
  if (error instanceof Deno.errors.PermissionDenied) {
    return `${directory} may not be listed by this user; let everybody do that (chmod 0755 ${directory})`;
  }
  if (error instanceof Deno.errors.NotADirectory) {
    return `${directory} is no directory; remove it, and let udev or devtmpfs make the device nodes`;
  }
  const text = error instanceof Error ? error.message : String(error);
  return `${directory} cannot be listed: ${text}`;
}

function examinePath(system: DeviceSystem, path: string): NodeExamination {
  try {
    using device = system.open(path);
    return inspectNode(device);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    const text = error.code === "EACCES"
      ? forbidden(path, system.groupOf(path))
      : `${path}: ${error.message}`;
    return { findings: [missing("node", text)], driver: null, usable: null };
  }
}

function forbidden(path: string, group: string | null): string {
  return group === null
    ? `${path} may not be opened by this user, nor by any group; let udev give it to one (GROUP="render", MODE="0660"), and add the user to that`
    : `${path} may not be opened by this user; add the user to the group that may, ${group}, and log in again`;
}

function withoutNode(system: DeviceSystem): string {
  return system.hasHardware()
    ? `this machine has a virtio-gpu, but no driver for it; load the kernel module ${DRIVER}`
    : "this machine has no virtio-gpu; start the VM with one that has a cross-domain context";
}

/** What is missing; for a search that met other drivers only, which ones. */
function whyNone(findings: readonly Finding[]): string {
  return reasonsOf(findings) || findings.map(({ text }) => text).join("; ");
}

/** Render nodes first: opening a card may make the opener its master. */
function inOrder(names: readonly string[]): string[] {
  return names.filter((name) => /^(renderD|card)[0-9]+$/.test(name)).sort((
    one,
    other,
  ) =>
    kindOrder(one) - kindOrder(other) || one.localeCompare(other, "en", {
      numeric: true,
    })
  );
}

function kindOrder(name: string): number {
  return name.startsWith("renderD") ? 0 : 1;
}

/** Reading and writing, for the group (<sys/stat.h>). */
const S_IRWGRP = 0o060;

function groupOf(path: string): string | null {
  try {
    const { gid, mode } = Deno.statSync(path);
    if (((mode ?? 0) & S_IRWGRP) !== S_IRWGRP) return null;
    const line = Deno.readTextFileSync("/etc/group").split("\n").find((line) =>
      line.split(":")[2] === String(gid)
    );
    return line?.split(":")[0] ?? null;
  } catch {
    return null;
  }
}

function hasHardware(): boolean {
  const devices = "/sys/bus/virtio/devices";
  try {
    return [...Deno.readDirSync(devices)].some(({ name }) =>
      Number(Deno.readTextFileSync(`${devices}/${name}/device`).trim()) ===
        VIRTIO_ID_GPU
    );
  } catch {
    return false;
  }
}
