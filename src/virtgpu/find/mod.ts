/** Finds the virtio-gpu device, and explains what is missing. */
export {
  type DeviceSystem,
  findNode,
  kernelSystem,
  NoDeviceError,
  searchDevices,
} from "./find_device.ts";
export { type Finding, missing, noted, present, reasonsOf } from "./finding.ts";
export {
  DRIVER,
  type KernelFitness,
  type UsableNode,
} from "./node_examination.ts";
