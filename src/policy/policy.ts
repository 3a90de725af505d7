/** Which globals a client may see and bind. */
import { DEFAULT_EXPOSURE } from "../../protocols/generated/exposure.ts";
import { findInterface } from "../../protocols/tables.ts";

/**
 * The global without which many toolkits do not start; where it is denied, the
 * relay offers one that does nothing.
 */
export const CLIPBOARD = "wl_data_device_manager";

/**
 * Names of globals on top of the default exposure (protocols/exposure.txt). A
 * name in both is denied.
 */
export interface PolicyChanges {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** The user named a global that no protocol defines. */
export class UnknownGlobalError extends Error {
  override readonly name = "UnknownGlobalError";
  readonly global: string;

  constructor(global: string) {
    super(`Cannot allow or deny ${global}: no known protocol defines it`);
    this.global = global;
  }
}

/** A decided policy, shared by all relays. */
export class Policy {
  readonly #caps = new Map<string, number>();
  readonly #denied: ReadonlySet<string>;
  /**
   * Whether the client gets a clipboard that does nothing instead of the
   * host's.
   */
  readonly inertClipboard: boolean;

  /** @throws {UnknownGlobalError} */
  constructor(changes: PolicyChanges = { allow: [], deny: [] }) {
    for (const [name, version] of Object.entries(DEFAULT_EXPOSURE)) {
      this.#caps.set(name, version);
    }
    for (const name of changes.allow) this.#caps.set(name, newestVersion(name));
    for (const name of changes.deny) {
      newestVersion(name);
      this.#caps.delete(name);
    }
    this.#denied = new Set(changes.deny);
    this.inertClipboard = !this.#caps.has(CLIPBOARD);
  }

  /**
   * The highest version of the global that a client may bind, or 0 where it may
   * not see it.
   */
  cap(global: string): number {
    return this.#caps.get(global) ?? 0;
  }

  /**
   * Whether the user said that no client may see it, so that it is not offered
   * under another name of it either.
   */
  isDenied(global: string): boolean {
    return this.#denied.has(global);
  }
}

function newestVersion(name: string): number {
  const found = findInterface(name);
  if (found === null) throw new UnknownGlobalError(name);
  return found.version;
}
