/**
 * A client that the tests run in the guest, by Deno, through the proxy.
 *
 * - `pulse CONNECTIONS SECONDS` asks on all connections again and again, each
 *   for itself.
 * - `crowd CONNECTIONS` connects as often at once, and asks on all that are let
 *   in.
 * - `surfaces COUNT` shows and destroys COUNT surfaces, of several sizes, on
 *   one connection.
 * - `wide COUNT` shows COUNT surfaces of 1080p at once, destroys them, and
 *   stays.
 * - `idle CONNECTIONS` asks on each connection, last on the last, and stays.
 *
 * The last line that it prints is JSON: a `Pulse` for each connection, or a
 * number: of those let in, of surfaces. The last two make the file /run/stays
 * when they do no more than stay, and end when it is gone.
 */
import { createMemfd } from "../../../ffi/memfd.ts";
import { delay, waitAtMost } from "../../support/wait.ts";
import { WaylandConnection } from "../../support/wayland_connection.ts";

export interface Pulse {
  readonly answers: number;
  /**
   * The longest wait for an answer in milliseconds, also for one that did not
   * come.
   */
  readonly longest: number;
}

/** Between an answer and the next question. */
const PAUSE_MS = 50;
/** After that a connection counts as not let in. */
const ADMISSION_MS = 20_000;
/** After that the proxy has asked for its last sign of life. */
const SETTLED_MS = 8_000;
/** Widths and heights of surfaces, in turn. */
const SIZES = [64, 200, 333, 480] as const;
/** The file that says that the surfaces are shown. */
export const STAYS = "/run/stays";

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
  const globals = await bindGlobals(connection);
  for (let i = 0; i < count; i++) {
    const side = SIZES[i % SIZES.length] ?? SIZES[0];
    const destroy = await showSurface(connection, globals, side, side);
    await destroy();
    await connection.roundTrip();
  }
  return count;
}

async function showAtOnce(
  path: string,
  count: number,
): Promise<number> {
  using connection = await WaylandConnection.open(path);
  const globals = await bindGlobals(connection);
  const shown: (() => Promise<void>)[] = [];
  for (let i = 0; i < count; i++) {
    shown.push(await showSurface(connection, globals, 1920, 1080));
  }
  for (const destroy of shown) await destroy();
  await connection.roundTrip();
  await stay();
  return count;
}

/**
 * What is said to the last connection twice signals the fences of all others,
 * on QEMU as it is released.
 */
async function idle(path: string, count: number): Promise<number> {
  using connections = new DisposableStack();
  let last: WaylandConnection | undefined;
  for (let i = 0; i < count; i++) {
    last = connections.use(await WaylandConnection.open(path));
  }
  await delay(SETTLED_MS);
  for (let i = 0; i < 3; i++) await last?.roundTrip();
  await stay();
  return count;
}

async function stay(): Promise<void> {
  Deno.writeTextFileSync(STAYS, "");
  while (await exists(STAYS)) await delay(500);
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

interface Globals {
  readonly compositor: number;
  readonly shm: number;
}

async function bindGlobals(connection: WaylandConnection): Promise<Globals> {
  return {
    compositor: await connection.bind("wl_compositor"),
    shm: await connection.bind("wl_shm"),
  };
}

/** @returns what destroys it */
async function showSurface(
  connection: WaylandConnection,
  { compositor, shm }: Globals,
  width: number,
  height: number,
): Promise<() => Promise<void>> {
  const bytes = width * height * 4;
  using memory = createMemfd("surface", bytes);
  const pool = connection.newId();
  await connection.request(shm, 0, [pool, bytes], memory); // create_pool
  const buffer = connection.newId();
  await connection.request(pool, 0, [buffer, 0, width, height, width * 4, 0]); // create_buffer
  const surface = connection.newId();
  await connection.request(compositor, 0, [surface]); // create_surface
  await connection.request(surface, 1, [buffer, 0, 0]); // attach
  await connection.request(surface, 2, [0, 0, width, height]); // damage
  await connection.request(surface, 6, []); // commit
  await connection.roundTrip();
  return async () => {
    await connection.request(surface, 0, []); // destroy
    await connection.request(buffer, 0, []); // destroy
    await connection.request(pool, 1, []); // destroy
  };
}

async function run(
  verb: string,
  path: string,
  count: number,
  seconds: number,
): Promise<number | readonly Pulse[]> {
  switch (verb) {
    case "pulse": {
      const until = performance.now() + seconds * 1000;
      const pulses = Array.from({ length: count }, () => pulse(path, until));
      return await Promise.all(pulses);
    }
    case "crowd":
      return await crowd(path, count);
    case "surfaces":
      return await showSurfaces(path, count);
    case "wide":
      return await showAtOnce(path, count);
    case "idle":
      return await idle(path, count);
    default:
      throw new Error(`There is no "${verb}"`);
  }
}

async function main(): Promise<void> {
  const path = Deno.env.get("WAYLAND_DISPLAY") ?? "";
  const [count = 0, seconds = 0] = Deno.args.slice(1).map(Number);
  const result = await run(Deno.args[0] ?? "", path, count, seconds);
  const line = `${JSON.stringify(result)}\n`;
  Deno.stdout.writeSync(new TextEncoder().encode(line));
  // A connection that got no answer still waits for it.
  Deno.exit(0);
}

if (import.meta.main) void main();
