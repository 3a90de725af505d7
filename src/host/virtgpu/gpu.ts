/**
 * The GPU that a virtual machine has through its virtio-gpu device: which
 * buffers its drivers make, and which are its own.
 *
 * Untested on hardware; derived from Mesa's and the kernel's sources, and
 * tested with an emulated device.
 */
import { exporterOf } from "../../../ffi/dma_buf.ts";
import { SyscallError } from "../../../ffi/error.ts";
import type { VirtgpuDevice } from "../../virtgpu/device.ts";
import { DRIVER } from "../../virtgpu/find/mod.ts";
import type { Handles } from "../../virtgpu/handles.ts";
import type { GuestGpu } from "../endpoint.ts";

// <drm/drm_fourcc.h>
const DRM_FORMAT_MOD_LINEAR = 0n;
const DRM_FORMAT_MOD_INVALID = 0x00ff_ffff_ffff_ffffn;

// capability sets, by their bits: <linux/virtio_gpu.h> and virglrenderer
const VIRGL = 1 << 1 | 1 << 2;
const VENUS = 1 << 4;
const NATIVE_CONTEXT = 1 << 6;

/**
 * Whether the drivers of all applications know the layouts of the host's GPU.
 * Mesa's virgl knows none, and Mesa draws OpenGL with it wherever there is no
 * native context; Vulkan, through Venus, knows them, but one table is for both.
 */
function driversKnowLayouts(capsets: number): boolean {
  if ((capsets & NATIVE_CONTEXT) !== 0) return true;
  return (capsets & VENUS) !== 0 && (capsets & VIRGL) === 0;
}

/** One opened device's GPU. */
export class VirtgpuGpu implements GuestGpu {
  readonly deviceNumber: bigint;
  readonly #handles: Handles;
  readonly #knowsLayouts: boolean;
  readonly #exporterOf: (fd: number) => string | null;

  /**
   * @param exporter which driver made a dma-buf: see `exporterOf`; tests have
   * drivers of their own
   */
  constructor(
    device: VirtgpuDevice,
    handles: Handles,
    exporter: (fd: number) => string | null = exporterOf,
  ) {
    const capsets = device.getParameter("SUPPORTED_CAPSET_IDS") ?? 0;
    this.deviceNumber = device.deviceNumber;
    this.#handles = handles;
    this.#exporterOf = exporter;
    this.#knowsLayouts = driversKnowLayouts(capsets);
  }

  /**
   * Only layouts are asked about: an application makes buffers of formats that
   * its driver has in any case, whatever else the host takes, but leaves the
   * choice among the host's layouts to the driver.
   */
  makes(_format: number, modifier: bigint): boolean {
    return this.#knowsLayouts || modifier === DRM_FORMAT_MOD_LINEAR ||
      modifier === DRM_FORMAT_MOD_INVALID;
  }

  owns(fd: number): boolean {
    try {
      // Some kernels take buffers of other devices, which the host then does
      // not know.
      const exporter = this.#exporterOf(fd);
      if (exporter !== null && exporter !== DRIVER) return false;
      const handle = this.#handles.import(fd);
      if (handle === null) return false;
      this.#handles.release(handle);
      return true;
    } catch (error) {
      // also where nobody can tell: a buffer that the host does not know would
      // end the connection
      if (error instanceof SyscallError) return false;
      throw error;
    }
  }
}
