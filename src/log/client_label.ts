/**
 * How log lines name a client.
 */

import { escapeName } from "./escape.ts";

/**
 * `foot[1234]`: the program's name, as the kernel has it, and its process id.
 * `client[1234]` where the process is gone, or belongs to another PID namespace
 * and cannot be seen; `client[?]` where even the id is unknown.
 */
export function clientLabel(pid: number): string {
  if (pid <= 0) return "client[?]";
  return `${programName(pid)}[${pid}]`;
}

/**
 * A client's label, made when a line first wants it: no line names most
 * clients, and asking the kernel is 6 % of a connection.
 */
export class ClientLabel {
  readonly #pid: number;
  #text: string | null = null;

  constructor(pid: number) {
    this.#pid = pid;
  }

  toString(): string {
    this.#text ??= clientLabel(this.#pid);
    return this.#text;
  }
}

function programName(pid: number): string {
  try {
    // a program may call itself anything, so this too is text of others
    const name = Deno.readTextFileSync(`/proc/${pid}/comm`).replace(/\n$/, "");
    return name === "" ? "client" : escapeName(name);
  } catch {
    return "client";
  }
}
