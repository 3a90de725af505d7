/**
 * A session, step by step: everything that an ordinary client and its host say to each other, and what is less ordinary. Object ids
 * on the host's side are the client's, since both are used in the same order.
 */
import { createPipe } from "../../../ffi/pipe.ts";
import { memoryFile } from "../../support/descriptors.ts";
import type { Value } from "../../support/peer.ts";

/** What one side says. */
export interface Message {
  readonly by: "client" | "host";
  readonly id: number;
  readonly name: string;
  /** A function makes a descriptor to be sent. */
  readonly values: readonly (Value | (() => number))[];
}

/** What a feature does: it lets a direction go on that it held. */
export interface Release {
  readonly by: "relay";
  readonly name: "requests" | "events";
}

export type Step = Message | Release;

/** Requests and events that the session's feature holds until a `Release`. */
export const HELD_REQUEST = "xdg_toplevel.set_app_id";
export const HELD_EVENT = "wl_seat.name";

type Values = readonly (Value | (() => number))[];

function client(id: number, name: string, ...values: Values): Message {
  return { by: "client", id, name, values };
}

function host(id: number, name: string, ...values: Values): Message {
  return { by: "host", id, name, values };
}

function release(name: "requests" | "events"): Release {
  return { by: "relay", name };
}

/** The end of a pipe that somebody is to write to. */
function pipeEnd(): number {
  const { reader, writer } = createPipe();
  reader[Symbol.dispose]();
  return writer.release();
}

const file = (): number => memoryFile();
const keys = new Uint8Array(8);
const OFFER = 0xff000000;
const PAD = 0xff000001;
const GROUP = 0xff000002;
const LATE_OFFER = 0xff000003;
const FIXES = 0xfffffffe;

const globals: readonly Step[] = [
  host(2, "wl_registry.global", 1, "wl_compositor", 6),
  host(2, "wl_registry.global", 2, "wl_shm", 1),
  host(2, "wl_registry.global", 3, "wl_seat", 8),
  host(2, "wl_registry.global", 4, "wl_data_device_manager", 3),
  host(2, "wl_registry.global", 5, "xdg_wm_base", 5),
  host(2, "wl_registry.global", 6, "wl_output", 4),
  host(2, "wl_registry.global", 7, "zwp_tablet_manager_v2", 1),
  host(3, "wl_callback.done", 0),
  host(1, "wl_display.delete_id", 3),
  client(1, "wl_display.get_registry", 2),
  client(1, "wl_display.sync", 3),
  host(3, "wl_callback.done", 1),
  host(1, "wl_display.delete_id", 3),
];

const binds: readonly Step[] = [
  client(2, "wl_registry.bind", 1, "wl_compositor", 6, 3),
  client(2, "wl_registry.bind", 2, "wl_shm", 1, 4),
  client(2, "wl_registry.bind", 3, "wl_seat", 8, 5),
  client(2, "wl_registry.bind", 4, "wl_data_device_manager", 3, 6),
  client(2, "wl_registry.bind", 5, "xdg_wm_base", 5, 7),
  client(2, "wl_registry.bind", 6, "wl_output", 4, 8),
  client(2, "wl_registry.bind", 7, "zwp_tablet_manager_v2", 1, 9),
];

const window: readonly Step[] = [
  client(3, "wl_compositor.create_surface", 10),
  client(7, "xdg_wm_base.get_xdg_surface", 11, 10),
  client(11, "xdg_surface.get_toplevel", 12),
  client(12, "xdg_toplevel.set_title", "a window"),
  client(10, "wl_surface.commit"),
  host(12, "xdg_toplevel.configure", 640, 480, new Uint8Array(4)),
  host(11, "xdg_surface.configure", 17),
  client(11, "xdg_surface.ack_configure", 17),
  client(4, "wl_shm.create_pool", 13, file, 4096),
  client(13, "wl_shm_pool.create_buffer", 14, 0, 32, 32, 128, 0),
  client(10, "wl_surface.attach", 14, 0, 0),
  client(10, "wl_surface.damage", 0, 0, 32, 32),
  client(10, "wl_surface.frame", 15),
  client(10, "wl_surface.commit"),
  host(15, "wl_callback.done", 1234),
  host(1, "wl_display.delete_id", 15),
  host(14, "wl_buffer.release"),
];

const seat: readonly Step[] = [
  client(6, "wl_data_device_manager.get_data_device", 15, 5),
  client(5, "wl_seat.get_keyboard", 16),
  host(16, "wl_keyboard.keymap", 1, file, 4096),
  host(16, "wl_keyboard.enter", 18, 10, keys),
  host(15, "wl_data_device.data_offer", OFFER),
  host(OFFER, "wl_data_offer.offer", "text/plain"),
  host(15, "wl_data_device.selection", OFFER),
  client(OFFER, "wl_data_offer.receive", "text/plain", pipeEnd),
  client(OFFER, "wl_data_offer.destroy"),
  client(6, "wl_data_device_manager.create_data_source", 17),
  client(17, "wl_data_source.offer", "text/plain"),
  client(15, "wl_data_device.set_selection", 17, 18),
  host(17, "wl_data_source.send", "text/plain", pipeEnd),
];

const held: readonly Step[] = [
  client(12, HELD_REQUEST, "held"),
  client(10, "wl_surface.damage", 1, 1, 1, 1),
  host(16, "wl_keyboard.modifiers", 19, 0, 0, 0, 0),
  release("requests"),
  host(5, HELD_EVENT, "held"),
  host(16, "wl_keyboard.key", 20, 21, 22, 1),
  client(10, "wl_surface.damage", 2, 2, 2, 2),
  release("events"),
];

const tablet: readonly Step[] = [
  client(9, "zwp_tablet_manager_v2.get_tablet_seat", 18, 5),
  host(18, "zwp_tablet_seat_v2.tool_added", OFFER),
  host(OFFER, "zwp_tablet_tool_v2.done"),
  host(18, "zwp_tablet_seat_v2.pad_added", PAD),
  host(PAD, "zwp_tablet_pad_v2.group", GROUP),
  client(OFFER, "zwp_tablet_tool_v2.set_cursor", 23, 10, 0, 0),
  client(OFFER, "zwp_tablet_tool_v2.destroy"),
];

const farewell: readonly Step[] = [
  client(15, "wl_data_device.release"),
  host(15, "wl_data_device.data_offer", LATE_OFFER),
  host(LATE_OFFER, "wl_data_offer.offer", "text/plain"),
  host(1, "wl_display.delete_id", 15),
  host(2, "wl_registry.global_remove", 6),
  client(2, "wl_registry.bind", 6, "wl_output", 4, 15),
  client(15, "wl_output.release"),
  client(2, "wl_registry.bind", FIXES, "wl_fixes", 1, 15),
  client(15, "wl_fixes.destroy_registry", 2),
  client(12, "xdg_toplevel.destroy"),
  client(11, "xdg_surface.destroy"),
  client(10, "wl_surface.destroy"),
  host(16, "wl_keyboard.leave", 24, 10),
  host(1, "wl_display.delete_id", 10),
];

/** The whole session. It ends with everything still open that the steps have not closed. */
export const SESSION: readonly Step[] = [
  ...globals,
  ...binds,
  ...window,
  ...seat,
  ...held,
  ...tablet,
  ...farewell,
];
