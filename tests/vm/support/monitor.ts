/**
 * QEMU's monitor, which stops a virtual machine and its clocks, and lets it go
 * on: the QEMU Machine Protocol, lines of JSON.
 */
import { delay } from "../../support/wait.ts";

/** What QEMU is started with, to have its monitor at that path. */
export function monitorAt(path: string): string[] {
  return ["-qmp", `unix:${path},server=on,wait=off`];
}

/** Stops the machine for this many milliseconds. */
export async function suspend(path: string, ms: number): Promise<void> {
  using connection = await Deno.connect({ transport: "unix", path });
  await say(connection, "qmp_capabilities");
  await say(connection, "stop");
  await delay(ms);
  await say(connection, "cont");
}

/**
 * Returns when the monitor has done it. Greetings and events, which also are
 * lines, have no "return".
 */
async function say(
  connection: Deno.UnixConn,
  command: string,
): Promise<void> {
  const words = `${JSON.stringify({ execute: command })}\n`;
  await connection.write(new TextEncoder().encode(words));
  const bytes = new Uint8Array(65536);
  for (let answer = ""; !answer.includes('"return"');) {
    const length = await connection.read(bytes);
    if (length === null || answer.includes('"error"')) {
      throw new Error(`QEMU's monitor refuses ${command}: ${answer}`);
    }
    answer += new TextDecoder().decode(bytes.subarray(0, length));
  }
}
