/** Programs that draw, and whether it is seen on a host's screen. */
import assert from "node:assert/strict";
import type { HostCompositor } from "../../support/host.ts";
import { difference } from "../../support/image.ts";
import type { TestProcess } from "../../support/process.ts";
import { delay, whenReady } from "../../support/wait.ts";
import type { GuestSession } from "./session.ts";

/** Waits until a window is on the screen. */
export async function waitForWindow(host: HostCompositor): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (await host.windowArea() !== undefined) return;
    await delay(100);
  }
  throw new Error("No window came");
}

/** Fails unless something moves on the screen. */
export async function requireMotion(host: HostCompositor): Promise<void> {
  const before = await host.screenshot();
  for (let attempt = 0; attempt < 100; attempt++) {
    await delay(100);
    if (difference(before, await host.screenshot()) !== null) return;
  }
  throw new Error("Nothing has moved on the screen for 10 s");
}

/** What draws where it does not matter which program it is. */
export const DRAWING = "weston-simple-shm";

/** Starts a program that draws, and waits until its window is on the screen. */
export async function startDrawing(
  session: GuestSession,
  host: HostCompositor,
  program = DRAWING,
): Promise<TestProcess> {
  const drawing = session.start([program]);
  return await whenReady(drawing, () => waitForWindow(host));
}

/** Fails unless such a program still draws, and ends it. */
export async function endDrawing(
  session: GuestSession,
  host: HostCompositor,
  drawing: TestProcess,
  program = DRAWING,
): Promise<void> {
  await requireMotion(host);
  assert.equal(drawing.ending, undefined, drawing.log());
  await session.kill([program]);
}
