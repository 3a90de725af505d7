/**
 * What the registries of the fuzzer's client tell: whether that is what they
 * should, by the policy and the host's globals.
 */
import { findInterface, getInterface } from "../../protocols/tables.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { FuzzFailure } from "./failure.ts";
import { FIRST_OWN_NAME } from "./request_rules.ts";
import type { FuzzObject, View } from "./view.ts";

export const PRIMARY_SELECTION = "zwp_primary_selection_device_manager_v1";
export const OLD_PRIMARY_SELECTION = "gtk_primary_selection_device_manager";

/** Keeps the globals of the client's view. */
export class Announcements {
  readonly #view: View;
  readonly #policy: Policy;
  readonly #announced = new Map<FuzzObject, Set<number>>();

  constructor(view: View, policy: Policy) {
    this.#view = view;
    this.#policy = policy;
  }

  /** The client's registries. */
  get registries(): readonly FuzzObject[] {
    return this.#view.liveOf(getInterface("wl_registry"));
  }

  /**
   * Whether every registry tells what it should of the host's globals.
   *
   * @returns what is missing, or null
   */
  missing(host: View): string | null {
    for (const registry of this.registries) {
      const announced = this.#announced.get(registry) ?? new Set();
      for (const { name, interface: type, version } of host.globals.values()) {
        const allowed = this.#allowedVersion(type, version);
        const isTold = announced.has(name);
        if (isTold !== allowed > 0) {
          return `${registry}: ${type} (${name}) is announced: ${isTold}`;
        }
        if (isTold && this.#view.globals.get(name)?.version !== allowed) {
          return `${registry}: ${type} (${name}) is not at version ${allowed}`;
        }
      }
      for (const name of announced) {
        if (name < FIRST_OWN_NAME && !host.globals.has(name)) {
          return `${registry}: ${name} is gone, and the client was not told`;
        }
      }
    }
    return null;
  }

  #allowedVersion(type: string, version: number): number {
    if (type === "wl_fixes") return 0;
    if (type === "wl_data_device_manager" && this.#policy.inertClipboard) {
      return 0;
    }
    const known = findInterface(type)?.version ?? 0;
    return Math.min(version, known, this.#cap(type));
  }

  /** The old name of the primary selection is as good as the standard one. */
  #cap(type: string): number {
    const cap = this.#policy.cap(type);
    if (type !== OLD_PRIMARY_SELECTION || cap > 0) return cap;
    return this.#policy.cap(PRIMARY_SELECTION);
  }

  /** `wl_registry.global`. */
  announce(
    registry: FuzzObject,
    words: Int32Array,
    bytes: Uint8Array,
    at: number,
  ): void {
    const name = (words[at + 2] ?? 0) >>> 0;
    const length = words[at + 3] ?? 0;
    const start = (at + 4) << 2;
    const type = new TextDecoder().decode(
      bytes.subarray(start, start + length - 1),
    );
    const version = (words[at + 4 + ((length + 3) >> 2)] ?? 0) >>> 0;
    const known = findInterface(type)?.version ?? 0;
    if (version === 0 || version > known) {
      throw new FuzzFailure(`${type} is announced at version ${version}`);
    }
    if (name < FIRST_OWN_NAME && version > this.#cap(type)) {
      throw new FuzzFailure(`${type} is announced in spite of the policy`);
    }
    const announced = this.#announced.get(registry) ?? new Set();
    if (announced.has(name)) {
      throw new FuzzFailure(`${name} is announced twice to ${registry}`);
    }
    announced.add(name);
    this.#announced.set(registry, announced);
    this.#view.globals.set(name, { name, interface: type, version });
    this.#view.removedGlobals.delete(name);
  }

  /** `wl_registry.global_remove`. */
  remove(registry: FuzzObject, name: number): void {
    if (this.#announced.get(registry)?.delete(name) !== true) {
      throw new FuzzFailure(`${registry} removes the unannounced ${name}`);
    }
    const global = this.#view.globals.get(name);
    if (global === undefined) return;
    this.#view.globals.delete(name);
    this.#view.removedGlobals.set(name, global);
  }
}
