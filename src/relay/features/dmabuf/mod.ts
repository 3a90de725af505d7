/**
 * Buffers of the guest's GPU, and which of them the compositor is said to take.
 */
export { gpuBuffers } from "./buffers.ts";
export { gpuFeedback } from "./feedback.ts";
