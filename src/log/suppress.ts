/**
 * The classes of `--log-suppress`: messages that fill a log without telling
 * much. They are wayland-proxy-virtwl's, and hide what its manual says.
 */

import {
  findInterface,
  type Message,
  MESSAGE_COUNT,
} from "../../protocols/tables.ts";

/**
 * The messages of every class: full names, or `interface.*` for all requests
 * and events of an interface.
 */
const members = {
  motion: [
    "wl_pointer.motion",
    "wl_pointer.frame",
  ],
  shm: ["wl_shm.*", "wl_shm_pool.*", "wl_buffer.*"],
  delete: ["wl_display.delete_id"],
  region: [
    "wl_compositor.create_region",
    "wl_region.*",
    "wl_surface.set_opaque_region",
    "wl_surface.set_input_region",
  ],
  drawing: [
    "wl_surface.attach",
    "wl_surface.damage",
    "wl_surface.damage_buffer",
    "wl_surface.frame",
  ],
  hints: [
    "xdg_toplevel.set_min_size",
    "xdg_toplevel.set_max_size",
    "xdg_surface.set_window_geometry",
    "wl_surface.set_buffer_scale",
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** A class of messages that can be kept out of the log. */
export type SuppressClass = keyof typeof members;

/** All classes, in the order in which the manual has them. */
export const suppressClassNames: readonly SuppressClass[] = Object.keys(members)
  .filter((name): name is SuppressClass => name in members);

/** Which messages are kept out, by their index. */
export class SuppressTable {
  readonly #hidden = new Uint8Array(MESSAGE_COUNT);

  constructor(classes: Iterable<SuppressClass>) {
    for (const suppressed of classes) {
      for (const name of members[suppressed]) this.#hide(name);
    }
  }

  /** Whether the message is to be left out: one load. */
  hides(message: Message): boolean {
    return this.#hidden[message.index] === 1;
  }

  #hide(name: string): void {
    const [interfaceName = "", messageName = ""] = name.split(".");
    const known = findInterface(interfaceName);
    const hidden = [...known?.requests ?? [], ...known?.events ?? []].filter(
      (message) => messageName === "*" || message.name === messageName,
    );
    if (hidden.length === 0) {
      throw new Error(`Cannot suppress ${name}: no protocol has it`);
    }
    for (const { index } of hidden) this.#hidden[index] = 1;
  }
}
