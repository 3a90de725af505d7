/** The proxy's way to a host, whose devices are an emulated machine's. */
import { VirtgpuHost } from "../../../src/host/virtgpu/host.ts";
import type { VirtgpuDevice } from "../../../src/virtgpu/device.ts";
import { examineNode } from "../../../src/virtgpu/find/find_device.ts";
import { EmulatedDevice } from "../../emulator/emulated_device.ts";
import type { Machine } from "../../emulator/machine.ts";

/** @param open how its devices are opened; without it, as the machine's are */
export function emulatedHost(
  machine: Machine,
  open: (path: string) => VirtgpuDevice = () => new EmulatedDevice(machine),
): VirtgpuHost {
  return new VirtgpuHost(machine.options.loop, {
    find: () => {
      using device = new EmulatedDevice(machine);
      return examineNode(device);
    },
    open,
  });
}
