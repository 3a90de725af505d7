/**
 * The names that `--allow` and `--deny` take.
 */

import { findInterface, interfaceNames } from "../../protocols/tables.ts";

/** The interfaces of the connection itself, which nobody announces. */
const neverGlobal: ReadonlySet<string> = new Set(["wl_display"]);

/**
 * The names of all interfaces of which a compositor can announce a global,
 * sorted.
 *
 * The XML does not say which ones those are, but they are the ones that no
 * message makes an object of.
 */
export function globalNames(): string[] {
  const made = new Set<string>(neverGlobal);
  for (const name of interfaceNames()) {
    const known = findInterface(name);
    for (const message of [...known?.requests ?? [], ...known?.events ?? []]) {
      for (const argument of message.arguments) {
        if (argument.type === "new_id" && argument.interface !== null) {
          made.add(argument.interface);
        }
      }
    }
  }
  return interfaceNames().filter((name) => !made.has(name));
}
