/**
 * A client that the tests run in the guest, by Deno, through the proxy.
 *
 *     guest_client.ts pulse CONNECTIONS SECONDS   asks on all connections again and again, each for itself
 *     guest_client.ts crowd CONNECTIONS           connects so often at once, and asks on all that are let in
 *     guest_client.ts surfaces COUNT              shows and destroys so many surfaces, of several sizes, on one connection
 *
 * The last line that it prints is JSON: a `Pulse` for each connection, or a number: of those let in, of surfaces.
 */
import { createMemfd } from "../../../ffi/memfd.ts";
import { delay, waitAtMost } from "../../support/wait.ts";
import { WaylandConnection } from "../../support/wayland_connection.ts";

/** How a connection fared. */
export interface Pulse {
  readonly answers: number;
  /** The longest wait for an answer in milliseconds, also for one that did not come. */
  readonly longest: number;
}

/** Between an answer and the next question. */
const PAUSE_MS = 50;
/** After that a connection counts as not let in. */
const ADMISSION_MS = 20_000;
/** Widths and heights of surfaces, in turn. */
const SIZES = [64, 200, 333, 480] as const;

async function pulse(path: string, until: number): Promise<Pulse> {
  using connection = await WaylandConnection.open(path);
  let answers = 0;
  let longest = 0;
  while (performance.now() < until) {
    const asked = performance.now();
    const patience = until - asked + 10_000;
    const answered = connection.roundTrip().then(() => true);
    if (await waitAtMost(answered, patience) === undefined) {
      return { answers, longest: performance.now() - asked };
    }
    longest = Math.max(longest, performance.now() - asked);
    answers++;
    await delay(PAUSE_MS);
  }
  return { answers, longest };
}

/** How many connections are let in, all of which answer. */
async function crowd(path: string, count: number): Promise<number> {
  const opening = Array.from({ length: count }, async () => {
    const opened = WaylandConnection.open(path);
    return await waitAtMost(opened, ADMISSION_MS);
  });
  const all = await Promise.all(opening);
  const open = all.filter((connection) => connection !== undefined);
  for (const connection of open) await connection.roundTrip();
  return open.length;
}

async function showSurfaces(path: string, count: number): Promise<number> {
  using connection = await WaylandConnection.open(path);
  const compositor = await connection.bind("wl_compositor");
  const shm = await connection.bind("wl_shm");
  for (let i = 0; i < count; i++) {
    const side = SIZES[i % SIZES.length] ?? SIZES[0];
    const bytes = side * side * 4;
    using memory = createMemfd("surface", bytes);
    const pool = connection.newId();
    await connection.request(shm, 0, [pool, bytes], memory); // create_pool
    const buffer = connection.newId();
    await connection.request(pool, 0, [buffer, 0, side, side, side * 4, 0]); // create_buffer
    const surface = connection.newId();
    await connection.request(compositor, 0, [surface]); // create_surface
    await connection.request(surface, 1, [buffer, 0, 0]); // attach
    await connection.request(surface, 2, [0, 0, side, side]); // damage
    await connection.request(surface, 6, []); // commit
    await connection.roundTrip();
    await connection.request(surface, 0, []); // destroy
    await connection.request(buffer, 0, []); // destroy
    await connection.request(pool, 1, []); // destroy
    await connection.roundTrip();
  }
  return count;
}

async function main(): Promise<void> {
  const path = Deno.env.get("WAYLAND_DISPLAY") ?? "";
  const [count = 0, seconds = 0] = Deno.args.slice(1).map(Number);
  let result: unknown;
  if (Deno.args[0] === "pulse") {
    const until = performance.now() + seconds * 1000;
    const pulses = Array.from({ length: count }, () => pulse(path, until));
    result = await Promise.all(pulses);
  } else if (Deno.args[0] === "crowd") result = await crowd(path, count);
  else result = await showSurfaces(path, count);
  const line = `${JSON.stringify(result)}\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(line));
  // A connection that got no answer still waits for it.
  Deno.exit(0);
}

if (import.meta.main) void main();
