/** The part of a scripted compositor that takes buffers of a GPU. */
import { OwnedFd } from "../../../ffi/fd.ts";
import type { ScriptedHost } from "../../support/scripted_host.ts";
import { GPU_MEMORY } from "../../emulator/image_allocator.ts";
import type { Buffer } from "./compositor_script.ts";

/** What it says that it takes, and whether it does. */
export interface DmabufSettings {
  /** Fourcc codes and modifiers. */
  readonly formats: readonly (readonly [number, bigint])[];
  readonly takes: "all" | "none";
}

interface Plane {
  readonly fd: OwnedFd;
  readonly offset: number;
  readonly stride: number;
}

/** Objects that the host makes get these. */
const FIRST_OWN_ID = 0xff00_0000;

/** The GPU buffers of one connection to the compositor. */
export class DmabufScript implements Disposable {
  readonly #peer: ScriptedHost;
  readonly #settings: DmabufSettings;
  readonly #planes = new Map<string, Plane[]>();
  #nextId = FIRST_OWN_ID;

  constructor(peer: ScriptedHost, settings: DmabufSettings) {
    this.#peer = peer;
    this.#settings = settings;
  }

  /**
   * Does what was asked for.
   *
   * @returns the buffer that was made, under its name; else null
   */
  obey(
    object: string,
    message: string,
    values: readonly string[],
  ): readonly [string, Buffer] | null {
    const [made = ""] = values;
    const [first = 0, second = 0, third = 0, fourth = 0] = values.map(Number);
    switch (message) {
      case "wl_registry.bind":
        if (values[1]?.startsWith("zwp_linux_dmabuf_v1 v3") === true) {
          this.#greet();
        }
        return null;
      case "zwp_linux_dmabuf_v1.create_params":
        this.#planes.set(made, []);
        return null;
      case "zwp_linux_buffer_params_v1.add": {
        const fd = new OwnedFd(this.#peer.takeFd());
        this.#planes.get(object)?.push({ fd, offset: third, stride: fourth });
        return null;
      }
      case "zwp_linux_buffer_params_v1.create": {
        const id = this.#nextId++;
        const buffer = this.#take(object, first, second);
        const name = "zwp_linux_buffer_params_v1";
        if (buffer === null) this.#peer.say(object, `${name}.failed`);
        else this.#peer.say(object, `${name}.created`, { buffer: id });
        return buffer === null ? null : [`wl_buffer@${id}`, buffer];
      }
      case "zwp_linux_buffer_params_v1.create_immed": {
        const buffer = this.#take(object, second, third);
        if (buffer !== null) return [made, buffer];
        const why = `no buffer of format ${fourth}`;
        this.#peer.error(object, 7, why);
        return null;
      }
      case "zwp_linux_buffer_params_v1.destroy":
        this.#close(object);
        return null;
      default:
        return null;
    }
  }

  [Symbol.dispose](): void {
    for (const id of [...this.#planes.keys()]) this.#close(id);
  }

  #greet(): void {
    const id = this.#peer.find("zwp_linux_dmabuf_v1");
    for (const [format, modifier] of this.#settings.formats) {
      const high = Number(modifier >> 32n);
      const low = Number(modifier & 0xffff_ffffn);
      this.#peer.say(id, "zwp_linux_dmabuf_v1.format", { format });
      this.#peer.say(id, "zwp_linux_dmabuf_v1.modifier", {
        format,
        "modifier_hi": high,
        "modifier_lo": low,
      });
    }
  }

  #take(params: string, width: number, height: number): Buffer | null {
    const plane = this.#planes.get(params)?.shift();
    if (plane === undefined) return null;
    const { fd, offset, stride } = plane;
    const { size } = Deno.statSync(`/proc/self/fd/${fd.number}`);
    const isGpu = isGpuMemory(fd.number) && this.#settings.takes === "all";
    if (!isGpu || offset + stride * height > size || stride < width * 4) {
      fd[Symbol.dispose]();
      return null;
    }
    return { pool: { fd, users: 1 }, offset, width, height, stride };
  }

  #close(id: string): void {
    for (const { fd } of this.#planes.get(id) ?? []) fd[Symbol.dispose]();
    this.#planes.delete(id);
  }
}

/** Whether a file is memory that a compositor takes as a GPU's buffer only. */
export function isGpuMemory(fd: number): boolean {
  return Deno.readLinkSync(`/proc/self/fd/${fd}`).includes(GPU_MEMORY);
}
