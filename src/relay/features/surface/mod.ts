/**
 * What features know of a surface: its record, the state that waits for its
 * next commit, and damage in pixels of its buffer.
 */
export { addBufferDamage } from "./buffer_damage.ts";
export { pendingState } from "./pending_state.ts";
export { Region } from "./region.ts";
export { type Surface, surfaceOf, surfaces } from "./surface.ts";
