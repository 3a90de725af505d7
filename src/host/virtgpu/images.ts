/** Images in host memory, made through the virtio-gpu device. */
import { SyscallError } from "../../../ffi/error.ts";
import type { HostImagePool } from "../../virtgpu/host_images.ts";
import type { ImageMaker, SharedImage } from "../endpoint.ts";

/** Makes the images of one connection. */
export class VirtgpuImages implements ImageMaker {
  readonly #pool: HostImagePool;

  constructor(pool: HostImagePool) {
    this.#pool = pool;
  }

  makes(format: number): boolean {
    return this.#pool.makes(format);
  }

  allocate(width: number, height: number, format: number): SharedImage | null {
    try {
      return this.#pool.allocate(width, height, format);
    } catch (error) {
      // the device is gone, which the channel finds out as well
      if (error instanceof SyscallError) return null;
      throw error;
    }
  }
}
