/** All that the protocols define. */
import {
  findInterface,
  type Interface,
  interfaceNames,
  type Message,
} from "../../protocols/tables.ts";

export function everyInterface(): Interface[] {
  return interfaceNames().flatMap((name) => findInterface(name) ?? []);
}

export function everyMessage(): Message[] {
  return everyInterface().flatMap(({ requests, events }) => [
    ...requests,
    ...events,
  ]);
}
