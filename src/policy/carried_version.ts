/**
 * The version up to which a global can be offered when an endpoint cannot carry
 * every kind of descriptor.
 *
 * One descriptor that the host's end cannot classify ends the whole connection,
 * so the message must never become possible: it is decided where the global is
 * announced, over everything that can be reached from it.
 */
import type { Interface, Message } from "../../protocols/tables.ts";
import { type Carrier, shadowsMemory } from "../host/endpoint.ts";

/**
 * A global that says in a string which device buffers are made with: a device
 * of the host's machine, which another machine does not have. No kind of
 * descriptor shows that.
 */
const NAMES_DEVICE_BY_PATH = "wl_drm";

/** Results so far: every client needs the version of every global. */
const known = new WeakMap<Carrier, Map<string, number>>();

/**
 * The highest version of `global`, at most `version`, at which no message
 * reachable from it through new ids carries what `carrier` cannot, and nothing
 * names a device that is not there; 0 where there is none. Objects inherit the
 * version of what made them.
 */
export function carriedVersion(
  global: Interface,
  version: number,
  carrier: Carrier,
): number {
  let versions = known.get(carrier);
  if (versions === undefined) known.set(carrier, versions = new Map());
  const key = `${global.name} ${version}`;
  const before = versions.get(key);
  if (before !== undefined) return before;
  const found = highestCarried(global, version, carrier);
  versions.set(key, found);
  return found;
}

function highestCarried(
  global: Interface,
  version: number,
  carrier: Carrier,
): number {
  if (global.name === NAMES_DEVICE_BY_PATH && shadowsMemory(carrier)) return 0;
  const reachedAt = new Map<Interface, number>([[global, 1]]);
  const waiting = [global];
  let highest = version;
  for (
    let current = waiting.pop();
    current !== undefined;
    current = waiting.pop()
  ) {
    const since = reachedAt.get(current) ?? 1;
    for (const message of [...current.requests, ...current.events]) {
      const level = Math.max(since, message.since);
      if (level > highest) continue;
      if (!isCarried(message, carrier)) highest = level - 1;
      for (const argument of message.arguments) {
        const made = argument.type === "new_id" ? argument.target : null;
        if (made === null || (reachedAt.get(made) ?? Infinity) <= level) {
          continue;
        }
        reachedAt.set(made, level);
        waiting.push(made);
      }
    }
  }
  return highest;
}

function isCarried(message: Message, carrier: Carrier): boolean {
  return message.arguments.every((argument) => {
    if (argument.kind !== null) {
      const type = message.isRequest ? "request" : "event";
      return carrier.carries(argument.kind, type) !== "never";
    }
    return argument.buffer !== "written" || !shadowsMemory(carrier);
  });
}
