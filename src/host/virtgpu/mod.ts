/**
 * Endpoints on a virtio-gpu device: the compositor of this virtual machine's
 * host.
 */
export { MAX_CLIENTS, NoPlaceError, VirtgpuHost } from "./host.ts";
export { virtgpuCarrier } from "./carrier.ts";
