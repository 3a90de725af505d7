/**
 * The types of decoded arguments that `generated/messages.ts` refers to. They
 * say what the relay's argument records hold; integers and fixed-point numbers
 * are `number` (fixed stays in 1/256 units), strings `string`, arrays
 * `Uint8Array`.
 */

import type { Interface } from "./interface.ts";

/**
 * A live object as messages name it: its id on each side (0 where it has none),
 * its interface and its version.
 */
export interface ObjectHandle {
  readonly clientId: number;
  readonly hostId: number;
  readonly interface: Interface;
  readonly version: number;
}

/** An existing object named by a message. */
export type ObjectArgument = ObjectHandle;

/** An object that the message creates. */
export type NewObjectArgument = ObjectHandle;

/**
 * A received file descriptor, as an endpoint's handle: it is opened only where
 * its kind is known.
 */
export type FdArgument = number;
