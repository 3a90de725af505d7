/** A client that a test plays. */
import type { RequestArguments } from "../../protocols/generated/messages.ts";
import {
  findRequest,
  type Interface,
  type Message,
} from "../../protocols/tables.ts";
import { isHostId, Peer } from "./peer.ts";
import type { ObjectName, Said } from "./spoken.ts";

/** A client's first registry, in nearly every test. */
const REGISTRY = 2;

/** Left, top, width and height. */
export type Rectangle = readonly [number, number, number, number];

/** Where pixels are in a pool. */
export interface BufferShape {
  readonly offset?: number;
  readonly width: number;
  readonly height: number;
  /** Bytes from row to row; without it, four for each pixel. */
  readonly stride?: number;
  /** ARGB8888 without it. */
  readonly format?: number;
}

/** A plane of a GPU's buffer. */
export interface Plane {
  readonly fd: number;
  /** Which plane it is; without it, the first. */
  readonly index?: number;
  readonly stride: number;
}

/** It says requests, and may name objects that do not exist. */
export class ScriptedClient extends Peer<RequestArguments> {
  #highestId = 1;

  /** The id that its next object may have. */
  get nextId(): number {
    return this.#highestId + 1;
  }

  /** Binds a global by its registry, the object 2. */
  bind(name: number, type: string, version: number, id: number): void {
    const values = { name, interface: type, version, id };
    this.say(REGISTRY, "wl_registry.bind", values);
  }

  createPool(
    shm: ObjectName,
    pool: Said<RequestArguments["wl_shm.create_pool"]>,
  ): void {
    this.say(shm, "wl_shm.create_pool", pool);
  }

  createBuffer(pool: ObjectName, id: number, shape: BufferShape): void {
    const { offset = 0, width, height, format = 0 } = shape;
    const stride = shape.stride ?? 4 * width;
    const values = { id, offset, width, height, stride, format };
    this.say(pool, "wl_shm_pool.create_buffer", values);
  }

  /** Adds a plane without modifier to a GPU buffer's parameters. */
  addPlane(params: ObjectName, { fd, index = 0, stride }: Plane): void {
    const place = { "plane_idx": index, offset: 0, stride };
    const values = { fd, ...place, "modifier_hi": 0, "modifier_lo": 0 };
    this.say(params, "zwp_linux_buffer_params_v1.add", values);
  }

  /** Makes a surface with the first compositor that it has bound. */
  createSurface(id: number): void {
    this.say(this.find("wl_compositor"), "wl_compositor.create_surface", {
      id,
    });
  }

  commit(surface: ObjectName): void {
    this.say(surface, "wl_surface.commit");
  }

  /** Makes a surface a window. */
  getToplevel(
    wmBase: ObjectName,
    surface: ObjectName,
    xdgSurface: number,
    toplevel: number,
  ): void {
    const values = { id: xdgSurface, surface };
    this.say(wmBase, "xdg_wm_base.get_xdg_surface", values);
    this.say(xdgSurface, "xdg_surface.get_toplevel", { id: toplevel });
  }

  /** Gets a seat's clipboard. */
  getDataDevice(manager: ObjectName, id: number, seat: ObjectName): void {
    this.say(manager, "wl_data_device_manager.get_data_device", { id, seat });
  }

  getRegistry(registry: number): void {
    this.say(1, "wl_display.get_registry", { registry });
  }

  /** Pastes an offer into a file. */
  receive(offer: ObjectName, mimeType: string, fd: number): void {
    this.say(offer, "wl_data_offer.receive", { "mime_type": mimeType, fd });
  }

  /** Fails unless it heard of an error of the display, and nothing else. */
  mustHearError(code: number, message: string): void {
    const text = JSON.stringify(message);
    this.mustHear(`wl_display@1.error(wl_display@1, ${code}, ${text})`);
  }

  /** Attaches a buffer to a surface, where the one before it was. */
  attach(surface: ObjectName, buffer: ObjectName | null): void {
    this.say(surface, "wl_surface.attach", { buffer, x: 0, y: 0 });
  }

  /** Says what of a surface has changed, in its own coordinates. */
  damage(surface: ObjectName, [x, y, width, height]: Rectangle): void {
    this.say(surface, "wl_surface.damage", { x, y, width, height });
  }

  /** Says what of a surface's buffer has changed, in pixels. */
  damageBuffer(surface: ObjectName, [x, y, width, height]: Rectangle): void {
    this.say(surface, "wl_surface.damage_buffer", { x, y, width, height });
  }

  protected override findSpoken(fullName: string): Message | null {
    return findRequest(fullName);
  }

  protected override heardOf({ events }: Interface): readonly Message[] {
    return events;
  }

  protected override wireId(number: number): number {
    return number;
  }

  protected override nameOf(id: number, type: string): string {
    if (!isHostId(id)) this.#highestId = Math.max(this.#highestId, id);
    return `${type}@${id}`;
  }
}
