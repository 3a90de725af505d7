/**
 * Shadow buffers: copies of a client's shared memory for hosts that cannot see
 * it.
 */
export { shadowedMemory } from "./feature.ts";
