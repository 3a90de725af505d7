/** Whether anything is on a host's screen, and whether it moves. */
import type { HostCompositor } from "../../support/host.ts";
import { difference } from "../../support/image.ts";
import { delay } from "../../support/wait.ts";

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
