/**
 * A session, step by step: everything that an ordinary client and its host say
 * to each other, and what is less ordinary.
 */
import { createPipe } from "../../../ffi/pipe.ts";
import { memoryFile } from "../../support/descriptors.ts";
import type {
  EventArguments,
  EventName,
  RequestArguments,
  RequestName,
} from "../../../protocols/generated/messages.ts";
import type { ScriptedClient } from "../../support/scripted_client.ts";
import type { ScriptedHost } from "../../support/scripted_host.ts";
import type { ObjectName, Packed, Spoken } from "../../support/spoken.ts";

interface Sides {
  readonly client: ScriptedClient;
  readonly host: ScriptedHost;
}

export interface Message {
  readonly by: "client" | "host";
  readonly name: string;
  /** Makes the message, and descriptors to be sent. */
  readonly pack: (sides: Sides) => Packed;
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

function client<Name extends RequestName>(
  id: number,
  name: Name,
  ...values: Spoken<RequestArguments[Name]>
): Message {
  const pack = ({ client }: Sides): Packed => client.pack(id, name, ...values);
  return { by: "client", name, pack };
}

function host<Name extends EventName>(
  object: ObjectName,
  name: Name,
  ...values: Spoken<EventArguments[Name]>
): Message {
  const pack = ({ host }: Sides): Packed => host.pack(object, name, ...values);
  return { by: "host", name, pack };
}

function deleteId(object: ObjectName): Message {
  const name = "wl_display.delete_id";
  const pack = ({ host }: Sides): Packed =>
    host.pack(1, name, { id: host.idOf(object) });
  return { by: "host", name, pack };
}

function global(name: number, type: string, version: number): Message {
  const values = { name, interface: type, version };
  return host("wl_registry#1", "wl_registry.global", values);
}

function bind(
  name: number,
  type: string,
  version: number,
  id: number,
): Message {
  const values = { name, interface: type, version, id };
  return client(2, "wl_registry.bind", values);
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

const keys = new Uint8Array(8);
const OFFER = 0xff000000;
const PAD = 0xff000001;
const GROUP = 0xff000002;
const LATE_OFFER = 0xff000003;
const FIXES = 0xfffffffe;

const globals: readonly Step[] = [
  global(1, "wl_compositor", 6),
  global(2, "wl_shm", 1),
  global(3, "wl_seat", 8),
  global(4, "wl_data_device_manager", 3),
  global(5, "xdg_wm_base", 5),
  global(6, "wl_output", 4),
  global(7, "zwp_tablet_manager_v2", 1),
  host("wl_callback#1", "wl_callback.done", { "callback_data": 0 }),
  deleteId("wl_callback#1"),
  client(1, "wl_display.get_registry", { registry: 2 }),
  client(1, "wl_display.sync", { callback: 3 }),
  host(3, "wl_callback.done", { "callback_data": 1 }),
  deleteId(3),
];

const binds: readonly Step[] = [
  bind(1, "wl_compositor", 6, 3),
  bind(2, "wl_shm", 1, 4),
  bind(3, "wl_seat", 8, 5),
  bind(4, "wl_data_device_manager", 3, 6),
  bind(5, "xdg_wm_base", 5, 7),
  bind(6, "wl_output", 4, 8),
  bind(7, "zwp_tablet_manager_v2", 1, 9),
];

const window: readonly Step[] = [
  client(3, "wl_compositor.create_surface", { id: 10 }),
  client(7, "xdg_wm_base.get_xdg_surface", { id: 11, surface: 10 }),
  client(11, "xdg_surface.get_toplevel", { id: 12 }),
  client(12, "xdg_toplevel.set_title", { title: "a window" }),
  client(10, "wl_surface.commit"),
  host(12, "xdg_toplevel.configure", {
    width: 640,
    height: 480,
    states: new Uint8Array(4),
  }),
  host(11, "xdg_surface.configure", { serial: 17 }),
  client(11, "xdg_surface.ack_configure", { serial: 17 }),
  {
    by: "client",
    name: "wl_shm.create_pool",
    pack: ({ client }) =>
      client.pack(4, "wl_shm.create_pool", {
        id: 13,
        fd: memoryFile(),
        size: 4096,
      }),
  },
  client(13, "wl_shm_pool.create_buffer", {
    id: 14,
    offset: 0,
    width: 32,
    height: 32,
    stride: 128,
    format: 0,
  }),
  client(10, "wl_surface.attach", { buffer: 14, x: 0, y: 0 }),
  client(10, "wl_surface.damage", { x: 0, y: 0, width: 32, height: 32 }),
  client(10, "wl_surface.frame", { callback: 15 }),
  client(10, "wl_surface.commit"),
  host(15, "wl_callback.done", { "callback_data": 1234 }),
  deleteId(15),
  host(14, "wl_buffer.release"),
];

const seat: readonly Step[] = [
  client(6, "wl_data_device_manager.get_data_device", { id: 15, seat: 5 }),
  client(5, "wl_seat.get_keyboard", { id: 16 }),
  {
    by: "host",
    name: "wl_keyboard.keymap",
    pack: ({ host }) =>
      host.pack(16, "wl_keyboard.keymap", {
        format: 1,
        fd: memoryFile(),
        size: 4096,
      }),
  },
  host(16, "wl_keyboard.enter", { serial: 18, surface: 10, keys }),
  host(15, "wl_data_device.data_offer", { id: OFFER }),
  host(OFFER, "wl_data_offer.offer", { "mime_type": "text/plain" }),
  host(15, "wl_data_device.selection", { id: OFFER }),
  {
    by: "client",
    name: "wl_data_offer.receive",
    pack: ({ client }) =>
      client.pack(OFFER, "wl_data_offer.receive", {
        "mime_type": "text/plain",
        fd: pipeEnd(),
      }),
  },
  client(OFFER, "wl_data_offer.destroy"),
  client(6, "wl_data_device_manager.create_data_source", { id: 17 }),
  client(17, "wl_data_source.offer", { "mime_type": "text/plain" }),
  client(15, "wl_data_device.set_selection", { source: 17, serial: 18 }),
  {
    by: "host",
    name: "wl_data_source.send",
    pack: ({ host }) =>
      host.pack(17, "wl_data_source.send", {
        "mime_type": "text/plain",
        fd: pipeEnd(),
      }),
  },
];

const held: readonly Step[] = [
  client(12, HELD_REQUEST, { "app_id": "held" }),
  client(10, "wl_surface.damage", { x: 1, y: 1, width: 1, height: 1 }),
  host(16, "wl_keyboard.modifiers", {
    serial: 19,
    "mods_depressed": 0,
    "mods_latched": 0,
    "mods_locked": 0,
    group: 0,
  }),
  release("requests"),
  host(5, HELD_EVENT, { name: "held" }),
  host(16, "wl_keyboard.key", { serial: 20, time: 21, key: 22, state: 1 }),
  client(10, "wl_surface.damage", { x: 2, y: 2, width: 2, height: 2 }),
  release("events"),
];

const tablet: readonly Step[] = [
  client(9, "zwp_tablet_manager_v2.get_tablet_seat", {
    "tablet_seat": 18,
    seat: 5,
  }),
  host(18, "zwp_tablet_seat_v2.tool_added", { id: OFFER }),
  host(OFFER, "zwp_tablet_tool_v2.done"),
  host(18, "zwp_tablet_seat_v2.pad_added", { id: PAD }),
  host(PAD, "zwp_tablet_pad_v2.group", { "pad_group": GROUP }),
  client(OFFER, "zwp_tablet_tool_v2.set_cursor", {
    serial: 23,
    surface: 10,
    "hotspot_x": 0,
    "hotspot_y": 0,
  }),
  client(OFFER, "zwp_tablet_tool_v2.destroy"),
];

const farewell: readonly Step[] = [
  client(15, "wl_data_device.release"),
  host(15, "wl_data_device.data_offer", { id: LATE_OFFER }),
  host(LATE_OFFER, "wl_data_offer.offer", { "mime_type": "text/plain" }),
  deleteId(15),
  host("wl_registry#1", "wl_registry.global_remove", { name: 6 }),
  bind(6, "wl_output", 4, 15),
  client(15, "wl_output.release"),
  bind(FIXES, "wl_fixes", 1, 15),
  client(15, "wl_fixes.destroy_registry", { registry: 2 }),
  client(12, "xdg_toplevel.destroy"),
  client(11, "xdg_surface.destroy"),
  client(10, "wl_surface.destroy"),
  host(16, "wl_keyboard.leave", { serial: 24, surface: 10 }),
  deleteId(10),
];

/**
 * The whole session. It ends with everything still open that the steps have not
 * closed.
 */
export const SESSION: readonly Step[] = [
  ...globals,
  ...binds,
  ...window,
  ...seat,
  ...held,
  ...tablet,
  ...farewell,
];
