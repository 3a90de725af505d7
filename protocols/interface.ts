/**
 * What is known of an interface, its messages and their arguments; tables.ts
 * finds them by name.
 */
import type { BufferDirection, FdKind } from "./fd_kind.ts";

/** The wire type of an argument. */
export type ArgumentType =
  | "int"
  | "uint"
  | "fixed"
  | "string"
  | "array"
  | "object"
  | "new_id"
  | "fd";

/** One argument of a message. */
export interface Argument {
  readonly name: string;
  readonly type: ArgumentType;
  /**
   * Of an object or new id; null where the message does not fix it, and for
   * other types.
   */
  readonly interface: string | null;
  /** The table of `interface`, parsed on first use. */
  readonly target: Interface | null;
  readonly nullable: boolean;
  /** The enum's full name, such as "wl_shm.format". */
  readonly enumeration: string | null;
  /** Of an fd. */
  readonly kind: FdKind | null;
  /** Of a wl_buffer object: what the host does with it. */
  readonly buffer: BufferDirection | null;
}

/** A request or an event. */
export interface Message {
  readonly interface: Interface;
  readonly name: string;
  /** Such as "wl_surface.attach". */
  readonly fullName: string;
  readonly opcode: number;
  readonly isRequest: boolean;
  /** The interface's version that brought it. */
  readonly since: number;
  /** Whether the object is gone after it; events can be destructors, too. */
  readonly destructor: boolean;
  readonly arguments: readonly Argument[];
  /** What its descriptors are, in order. */
  readonly fdKinds: readonly FdKind[];
  /** How many they are. */
  readonly fdCount: number;
  /** In bytes, with the header; of strings and arrays only the length word. */
  readonly minimumSize: number;
  /**
   * Without strings, arrays, objects, new ids and fds: its words may be copied
   * as they are, and all have `minimumSize`.
   */
  readonly plain: boolean;
  /** One `OP_…` per argument. */
  readonly ops: Uint8Array;
  /**
   * A number of its own among all messages of all interfaces, from 0 to
   * `MESSAGE_COUNT` - 1.
   */
  readonly index: number;
}

/** An interface at its newest known version. */
export interface Interface {
  readonly name: string;
  readonly version: number;
  /** By opcode. */
  readonly requests: readonly Message[];
  /** By opcode. */
  readonly events: readonly Message[];
  /** The destructor request without arguments, if there is one. */
  readonly destroyRequest: Message | null;
  /** By their names within the interface. */
  readonly enums: ReadonlyMap<string, Enumeration>;
}

/** An enum; of entries with equal values the first is kept. */
export interface Enumeration {
  readonly name: string;
  readonly bitfield: boolean;
  readonly entries: ReadonlyMap<number, string>;
}
