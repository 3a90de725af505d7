/**
 * What only time shows, in a real guest: connections that are lost, and what is
 * held for windows that are gone.
 *
 * It takes a quarter of an hour, and is run where `WAYFERRY_VM_ENDURANCE` is
 * set. `WAYFERRY_VM_ENGINES` chooses the engines.
 */
import assert from "node:assert/strict";
import { chosenEngines } from "./support/chosen.ts";
import { delay } from "../support/wait.ts";
import { driver, quoted } from "./support/guest.ts";
import type { Pulse } from "./support/guest_client.ts";
import { DRAWING, endDrawing, startDrawing } from "./support/motion.ts";
import {
  allowed,
  type GuestSession,
  type Holdings,
  startGuestSession,
} from "./support/session.ts";

const CLIENTS = 8;
const SECONDS = 300;
/** The guest is emulated, and shares two processors with everything else. */
const LONGEST_MS = 10_000;
/**
 * After that looks at the device are as rare as they become, and memory was
 * given back.
 */
const SETTLE_SECONDS = 40;
const IDLE_SECONDS = 60;
const WINDOWS = 500;
/**
 * How many windows open before it is looked what is held: what is made once was
 * made by then.
 */
const FIRST_WINDOWS = 20;
const AT_ONCE = 4;
/** KiB by which the proxy may grow: less than 20 bytes of each frame's. */
const GROWTH = 16 * 1024;

const steps: readonly [string, (session: GuestSession) => Promise<void>][] = [
  [`${CLIENTS} clients at once for ${SECONDS} s, and none stalls`, pulse],
  [`${CLIENTS} idle clients take less than a hundredth of a processor`, idle],
  [
    `${WINDOWS} windows of programs, every third of which is killed`,
    openWindows,
  ],
  [`${WINDOWS} surfaces of one connection`, showSurfaces],
];

for (const engine of chosenEngines()) {
  Deno.test({
    name:
      `for long, with rutabaga ${engine.rutabaga} and fences ${engine.fences}`,
    ignore: driver === undefined ||
      !Deno.env.has("WAYFERRY_VM_ENDURANCE"),
    fn: async (test) => {
      await using session = await startGuestSession(engine, "weston");
      await session.startProxy();
      for (const [name, run] of steps) {
        await test.step(name, () => run(session));
      }
      const { log } = await session.endProxy();
      assert.doesNotMatch(log, /ERROR|panicked|Uncaught/);
    },
  });
}

async function pulse(session: GuestSession): Promise<void> {
  await using host = await session.startHost();
  await using drawing = await startDrawing(session, host);
  const pulses: readonly Pulse[] = JSON.parse(
    await session.runClient("pulse", CLIENTS, SECONDS),
  );
  report(`${JSON.stringify(pulses)}`);
  assert.equal(pulses.length, CLIENTS);
  for (const { answers, longest } of pulses) {
    assert.ok(answers > SECONDS, `only ${answers} answers`);
    assert.ok(longest < LONGEST_MS, `no answer for ${longest} ms`);
  }
  await endDrawing(session, host, drawing);
}

async function idle(session: GuestSession): Promise<void> {
  await using _host = await session.startHost();
  await using _staying = await session.startStayingClient("idle", CLIENTS);
  await delay(SETTLE_SECONDS * 1000);
  const before = await session.processorTime();
  await delay(IDLE_SECONDS * 1000);
  const used = await session.processorTime() - before;
  report(`${used} ms of ${IDLE_SECONDS} s`);
  assert.ok(used < IDLE_SECONDS * 10);
  await session.endStayingClient();
}

async function openWindows(session: GuestSession): Promise<void> {
  await using _host = await session.startHost();
  await openSome(session, FIRST_WINDOWS);
  const before = await session.holdings();
  await openSome(session, WINDOWS);
  requireReturn(before, await session.holdings(allowed(before)));
}

/**
 * Each window is open for about a second; those that are killed, for a random
 * part of it.
 */
async function openSome(session: GuestSession, count: number): Promise<void> {
  const client = quoted([session.script([DRAWING])]);
  await session.guest.must(
    `open() { timeout --signal=$1 $2 sh -c ${client} >/dev/null 2>&1 & }
    for i in $(seq ${Math.ceil(count / AT_ONCE)}); do
      for k in $(seq ${AT_ONCE}); do
        if [ $(((i * ${AT_ONCE} + k) % 3)) = 0 ]; then open KILL 0.$((RANDOM % 90 + 10)); else open TERM 1.$((RANDOM % 10)); fi
      done
      wait
    done`,
    3600,
  );
}

async function showSurfaces(session: GuestSession): Promise<void> {
  await using _host = await session.startHost();
  await session.runClient("surfaces", FIRST_WINDOWS);
  const before = await session.holdings();
  await session.runClient("surfaces", WINDOWS);
  requireReturn(before, await session.holdings(allowed(before)));
}

function requireReturn(before: Holdings, after: Holdings): void {
  report(`before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`);
  const most = allowed(before);
  assert.ok(after.memory <= most.memory, "memory of the host is left");
  assert.ok(
    after.pieces <= most.pieces,
    "pieces of the host's memory are left",
  );
  assert.ok(after.descriptors <= most.descriptors, "descriptors are left");
  assert.ok(after.handles <= before.handles, "handles of the GPU are left");
  assert.ok(
    after.resident <= before.resident + GROWTH,
    `${before.resident} KiB before, ${after.resident} KiB after`,
  );
}

function report(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}
