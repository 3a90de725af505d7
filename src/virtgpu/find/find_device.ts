/**
 * Finds the device: by its driver's name and by what it can do, never by its
 * number, since another GPU may come first.
 */

import { isExhaustion, SyscallError } from "../../../ffi/error.ts";
import type { VirtgpuDevice } from "../device.ts";
import { type Finding, missing, noted, reasonsOf } from "./finding.ts";
import {
  driverBehind,
  type VirtgpuHardware,
  virtgpuHardware,
} from "./hardware.ts";
import { openDevice } from "../kernel_device.ts";
import {
  DRIVER,
  foreignNode,
  inspectNode,
  type KernelFitness,
  type NodeExamination,
  type UsableNode,
} from "./node_examination.ts";
import { type Openers, openersOf, unopenedText } from "./unopened_node.ts";

/** Where the kernel has its device nodes. */
const DEVICE_DIRECTORY = "/dev/dri";

/**
 * There is no usable device; the message says what is missing, and how to fix
 * it.
 */
export class NoDeviceError extends Error {
  override readonly name = "NoDeviceError";
}

/**
 * We cannot find out which nodes there are; the message says why, and how to
 * fix it.
 */
export class UnlistedError extends Error {
  override readonly name = "UnlistedError";
}

/** The machine, as far as finding a device needs it. */
export interface DeviceSystem {
  /** Names of the nodes; empty where there are none. @throws {UnlistedError} */
  nodeNames(): readonly string[];
  /** The path of the node with this name. */
  pathOf(name: string): string;
  /** @throws {SyscallError} */
  open(path: string): VirtgpuDevice;
  /** Who may open a node that this user may not. */
  openersOf(path: string): Openers;
  /**
   * The driver of a node that is not opened, or null where we cannot find out.
   */
  driverBehind(path: string): string | null;
  /**
   * What the machine has of a virtio-gpu, with or without a driver and a node.
   */
  hardware(): VirtgpuHardware;
}

/** What was found at all nodes together. */
export interface DeviceSearch {
  readonly findings: readonly Finding[];
  readonly kernel: KernelFitness;
  readonly usable: UsableNode | null;
}

/** A virtio-gpu that cannot be used, or what may be one. */
interface Candidate extends NodeExamination {
  readonly path: string;
}

/** The devices of the machine that this process runs on. */
export function kernelSystem(
  directory = DEVICE_DIRECTORY,
  sysfs = "/sys",
): DeviceSystem {
  return {
    nodeNames: () => {
      try {
        return [...Deno.readDirSync(directory)].map(({ name }) => name);
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return [];
        throw new UnlistedError(unlistedText(directory, error), {
          cause: error,
        });
      }
    },
    pathOf: (name) => `${directory}/${name}`,
    open: openDevice,
    openersOf,
    driverBehind: (path) => driverBehind(path, sysfs),
    hardware: () => virtgpuHardware(sysfs),
  };
}

/**
 * Finds a usable node.
 *
 * @throws {NoDeviceError} there is no usable node.
 */
export function findNode(system: DeviceSystem = kernelSystem()): UsableNode {
  const { usable, findings } = searchDevices(system);
  if (usable === null) throw new NoDeviceError(whyNone(findings));
  return usable;
}

/**
 * What an opened node can do. Makes no context.
 *
 * @throws {NoDeviceError} it cannot be used.
 * @throws {SyscallError} it answers nothing.
 */
export function examineNode(device: VirtgpuDevice): UsableNode {
  const { usable, findings } = inspectNode(device);
  if (usable === null) throw new NoDeviceError(whyNone(findings));
  return usable;
}

/**
 * Looks at one node after another, up to the first that can be used. Of the
 * others nothing is then missing.
 */
export function searchDevices(system: DeviceSystem): DeviceSearch {
  const { names, unlisted } = namesOf(system);
  const foreign = new Map<string, readonly Finding[]>();
  const candidates: Candidate[] = [];
  for (const name of inOrder(names)) {
    const isCard = kindOrder(name) > 0;
    // a card is the same device once more
    if (isCard && candidates.length > 0) continue;
    const path = system.pathOf(name);
    const examination = examinePath(system, path);
    const { driver, findings, kernel, usable } = examination;
    if (usable !== null) {
      const others = [...foreign.values()].flat();
      return {
        findings: [...others, ...candidates.map(passedOver), ...findings],
        kernel,
        usable,
      };
    }
    if (driver === null || driver === DRIVER) {
      candidates.push({ path, ...examination });
    } else if (!isCard || !foreign.has(driver)) {
      foreign.set(driver, [...foreign.get(driver) ?? [], ...findings]);
    }
  }
  const findings = candidates.length > 0
    ? candidates.flatMap(({ findings }) => findings)
    : withoutCandidate(system, unlisted);
  return {
    findings: [...[...foreign.values()].flat(), ...findings],
    kernel: candidates.find(({ kernel }) => kernel !== "untold")?.kernel ??
      "untold",
    usable: null,
  };
}

/** The nodes, none where they cannot be told, and then why. */
function namesOf(
  system: DeviceSystem,
): { readonly names: readonly string[]; readonly unlisted: string | null } {
  try {
    return { names: system.nodeNames(), unlisted: null };
  } catch (error) {
    if (!(error instanceof UnlistedError)) throw error;
    return { names: [], unlisted: error.message };
  }
}

function unlistedText(directory: string, error: unknown): string {
  if (error instanceof Deno.errors.PermissionDenied) {
    return `this user may not list ${directory}; allow it for everybody (chmod 0755 ${directory})`;
  }
  if (error instanceof Deno.errors.NotADirectory) {
    return `${directory} is not a directory; remove it, and let udev or devtmpfs create the device nodes`;
  }
  const text = error instanceof Error ? error.message : String(error);
  return `cannot list ${directory}: ${text}`;
}

function examinePath(system: DeviceSystem, path: string): NodeExamination {
  try {
    using device = system.open(path);
    return inspectNode(device);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return unopened(system, path, error);
  }
}

/**
 * A node that cannot be opened matters only if it is of a virtio-gpu, or may
 * be.
 */
function unopened(
  system: DeviceSystem,
  path: string,
  error: SyscallError,
): NodeExamination {
  // without descriptors sysfs cannot be asked either
  const isAsked = !isExhaustion(error);
  const driver = isAsked ? system.driverBehind(path) : null;
  if (driver !== null && driver !== DRIVER) return foreignNode(path, driver);
  if (isAsked && driver === null && system.hardware() === "absent") {
    const text = `cannot open ${path}, which does not belong to a virtio-gpu`;
    return {
      findings: [noted("node", text)],
      driver: "unknown",
      kernel: "untold",
      usable: null,
    };
  }
  const text = unopenedText(path, error, system.openersOf(path));
  return {
    findings: [missing("node", text)],
    driver,
    kernel: "untold",
    usable: null,
  };
}

/** One line on what is no longer needed. */
function passedOver({ path, findings }: Candidate): Finding {
  const isOpened = findings.some(({ state }) => state === "present");
  const lacks = findings.filter(({ state }) => state === "missing").map((
    { subject },
  ) => subject).join(", ");
  return noted(
    "node",
    `${path} ${
      isOpened ? `lacks ${lacks}` : "cannot be opened"
    }, but another node can be used`,
  );
}

/** What is said where no node can be one of a virtio-gpu. */
function withoutCandidate(
  system: DeviceSystem,
  unlisted: string | null,
): Finding[] {
  const hardware = system.hardware();
  if (unlisted === null) return [missing("node", withoutNode(hardware))];
  switch (hardware) {
    case "driven":
    case "unknown":
      return [missing("node", unlisted)];
    case "without driver":
      return [
        missing("node", withoutNode(hardware)),
        missing("node", unlisted),
      ];
    case "absent":
      return [noted("node", unlisted), missing("node", withoutNode(hardware))];
  }
}

function withoutNode(hardware: VirtgpuHardware): string {
  switch (hardware) {
    case "driven":
      return `this machine has a virtio-gpu and its driver, but there is no device node for it; give the device to this container (--device=${DEVICE_DIRECTORY}) or, outside of containers, let udev or devtmpfs create the device nodes`;
    case "without driver":
      return `this machine has a virtio-gpu, but no driver for it; load the kernel module ${DRIVER}, or boot a kernel that has it, without nomodeset`;
    case "absent":
    case "unknown":
      return "this machine has no virtio-gpu; start the VM with a virtio-gpu that has a cross-domain context";
  }
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
