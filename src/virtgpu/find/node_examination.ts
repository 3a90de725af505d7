/**
 * Checks an opened node, one thing after another, without making a context, so
 * that the check disturbs nobody.
 *
 * Every warning and refusal uses these words for what is missing as well.
 */
import { EBUSY } from "../../../ffi/errno.ts";
import { SyscallError } from "../../../ffi/error.ts";
import {
  CAPSET_BYTES,
  CHANNEL_WAYLAND,
  CROSS_DOMAIN_CAPSET,
  type CrossDomainCapabilities,
  parseCapabilities,
} from "../cross_domain.ts";
import type { DeviceParameter, VirtgpuDevice } from "../device.ts";
import { type Finding, missing, noted, present } from "./finding.ts";

/** What the kernel calls the driver of a virtio-gpu. */
export const DRIVER = "virtio_gpu";

/** A node that works, and what it can do. */
export interface UsableNode {
  readonly path: string;
  readonly capabilities: CrossDomainCapabilities;
  /**
   * Whether applications here can draw with the host's GPU, and so have buffers
   * of it.
   */
  readonly hasGpu: boolean;
}

/**
 * Whether the kernel knows of everything that is needed; "untold" where it was
 * not asked.
 */
export type KernelFitness = "sufficient" | "too old" | "untold";

/** What was found at a node. */
export interface NodeExamination {
  readonly findings: readonly Finding[];
  /** The driver of the node, or null where we cannot find out. */
  readonly driver: string | null;
  readonly kernel: KernelFitness;
  /** Null where something that is needed is missing. */
  readonly usable: UsableNode | null;
}

interface ParameterWords {
  readonly name: DeviceParameter;
  /** What it means that it is there. */
  readonly there: string;
  /** What to do where it is not. */
  readonly absent: string;
}

const needed: readonly ParameterWords[] = [
  {
    name: "3D_FEATURES",
    there: "the host takes commands",
    absent:
      "the device has no 3D features; start the VM with a GPU whose context types include cross-domain",
  },
  {
    name: "CAPSET_QUERY_FIX",
    there: "the kernel can ask the host what it offers",
    absent: "the kernel is too old; use Linux 5.16 or newer",
  },
  {
    name: "RESOURCE_BLOB",
    there: "memory can be shared with the host",
    absent:
      "the device offers no blob resources; start the VM with a virtio-gpu that has them",
  },
  {
    name: "HOST_VISIBLE",
    there: "the device has a window of host-visible memory",
    absent:
      "the device has no host-visible memory; give it a memory window (QEMU: hostmem=8G)",
  },
  {
    name: "CONTEXT_INIT",
    there: "contexts have a type and rings",
    absent:
      "the device has no typed contexts; use a current VMM, and start the VM with a GPU that has cross-domain contexts",
  },
];

const unknownToKernel = "the kernel does not know it; use Linux 5.16 or newer";

const optional: readonly ParameterWords[] = [
  {
    name: "CROSS_DEVICE",
    there: "memory can be shared with other virtio devices",
    absent: "sharing with other virtio devices is not available (not needed)",
  },
  {
    name: "EXPLICIT_DEBUG_NAME",
    there: "contexts can have a name",
    absent: "context names are not available (not needed)",
  },
  {
    name: "BLOB_ALIGNMENT",
    there: "the host states its page size",
    absent: "the host states no page size, so the proxy uses this machine's",
  },
  {
    name: "CREATE_GUEST_HANDLE",
    there: "the kernel can share this machine's memory with the host",
    absent:
      "the kernel cannot share this machine's memory with the host, so the proxy copies it",
  },
];

/**
 * Looks at everything that an opened node tells.
 *
 * @throws {SyscallError} it answers nothing
 */
export function inspectNode(device: VirtgpuDevice): NodeExamination {
  const { path } = device;
  const { name, major, minor, patch } = device.version();
  if (name !== DRIVER) return foreignNode(path, name);
  const findings = [
    present(
      "node",
      `${path}, driver ${name} ${major}.${minor}.${patch}`,
    ),
  ];
  let kernel: KernelFitness = "sufficient";
  for (const { name, there, absent } of needed) {
    const value = device.getParameter(name);
    if (value === null) kernel = "too old";
    findings.push(
      value === 1 ? present(name, there) : missing(
        name,
        `${path}: ${value === null ? unknownToKernel : absent}`,
      ),
    );
  }
  for (const { name, there, absent } of optional) {
    const value = device.getParameter(name) ?? 0;
    findings.push(
      value === 0
        ? noted(name, absent)
        : noted(name, value === 1 ? there : `${there}: ${value}`),
    );
  }
  const capsets = device.getParameter("SUPPORTED_CAPSET_IDS");
  const capabilities = inspectCapset(device, capsets, findings);
  if (capabilities === null || findings.some(isMissing)) {
    return { findings, driver: name, kernel, usable: null };
  }
  const hasGpu = ((capsets ?? 0) & ~(1 << CROSS_DOMAIN_CAPSET)) !== 0;
  findings.push(
    hasGpu
      ? noted("GPU", "applications here can draw with the host's GPU")
      : noted("GPU", "none; applications here draw with the processor"),
  );
  return {
    findings,
    driver: name,
    kernel,
    usable: { path, capabilities, hasGpu },
  };
}

/** A node of another GPU, which is of no use here. */
export function foreignNode(path: string, driver: string): NodeExamination {
  return {
    findings: [
      noted("node", `${path} has the driver ${driver}, not ${DRIVER}`),
    ],
    driver,
    kernel: "untold",
    usable: null,
  };
}

function isMissing({ state }: Finding): boolean {
  return state === "missing";
}

/**
 * Asks for the capability set, and adds what is found.
 *
 * @param capsets a bit for each that there is; null where the kernel does not
 * tell
 */
function inspectCapset(
  device: VirtgpuDevice,
  capsets: number | null,
  findings: Finding[],
): CrossDomainCapabilities | null {
  const { path } = device;
  const lacking = (text: string): null => {
    findings.push(missing("capability set", `${path}: ${text}`));
    return null;
  };
  if (capsets === null) return lacking(unknownToKernel);
  const isOffered = (capsets & 1 << CROSS_DOMAIN_CAPSET) !== 0;
  const bytes = isOffered ? readCapset(device) : null;
  if (bytes === "unanswered") return lacking(unanswered);
  const capabilities = bytes === null ? null : parseCapabilities(bytes);
  if (capabilities === null) return lacking(notOffered);
  findings.push(
    present(
      "capability set",
      `cross-domain (${CROSS_DOMAIN_CAPSET}), version ${capabilities.version}`,
    ),
    (capabilities.channels & 1 << CHANNEL_WAYLAND) === 0
      ? missing(
        "channel",
        `${path}: the host's cross-domain context has no Wayland channel; start the VM with the compositor's socket (--wayland-sock or wayland-socket-path)`,
      )
      : present("channel", "Wayland"),
    capabilities.allocatesDmabuf
      ? noted(
        "memory",
        "the host allocates dma-bufs, so its compositor must accept dma-bufs",
      )
      : noted("memory", "the host allocates plain memory"),
  );
  return capabilities;
}

const notOffered =
  "the host offers no cross-domain context; start the VM with context-types=cross-domain (crosvm) or a virtio-gpu-rutabaga with cross-domain=on (QEMU)";
const unanswered =
  "the host did not answer for several seconds; read the VMM's log and this machine's kernel log (dmesg), and restart the VM if this goes on";

/**
 * @returns "unanswered": the kernel has waited for the host in vain, at most 5
 * s
 */
function readCapset(
  device: VirtgpuDevice,
): Uint8Array<ArrayBuffer> | "unanswered" | null {
  try {
    return device.getCapset(CROSS_DOMAIN_CAPSET, 0, CAPSET_BYTES);
  } catch (error) {
    if (error instanceof SyscallError && error.errno === EBUSY) {
      return "unanswered";
    }
    throw error;
  }
}
