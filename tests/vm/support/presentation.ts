/**
 * Presentation times, as a program of the guest compares them with its own
 * clock.
 */
import assert from "node:assert/strict";
import { requirePrograms } from "../../support/packages.ts";
import { delay } from "../../support/wait.ts";
import type { GuestSession } from "./session.ts";

const PROGRAM = "weston-presentation-shm";
/** Of the guest's clock, before the machine is suspended and after. */
const SECONDS = 6;
/**
 * Far above a frame in an emulated machine, and far below what the clocks of
 * two machines differ by.
 */
const LONGEST_MS = 3000;
/** Of the host's clock. */
const SUSPENDED_MS = 5000;
/** Fewer frames show nothing. */
const FEWEST = 20;

/**
 * Fails unless each frame was shown soon after it was committed, both by the
 * guest's clock; where the machine can be suspended it is, in the midst of
 * that, so that the host's clock goes on and the guest's stands still.
 */
export async function requirePresentation(
  session: GuestSession,
): Promise<void> {
  await requirePrograms([{ program: PROGRAM, package: "weston" }]);
  await using _host = await session.startHost();
  const { guest } = session;
  await using drawing = session.start([
    "timeout",
    `${2 * SECONDS}`,
    "stdbuf",
    "-oL",
    PROGRAM,
  ]);
  await delay(SECONDS * 1000);
  if (guest.canSuspend) await guest.suspend(SUSPENDED_MS);
  await drawing.end(120_000);
  const waits = [...drawing.log().matchAll(/c2p +(\d+) ms/g)].map(([, wait]) =>
    Number(wait)
  );
  assert.ok(waits.length >= FEWEST, drawing.log());
  assert.ok(Math.max(...waits) < LONGEST_MS, `${waits}`);
}
