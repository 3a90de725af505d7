/** A screenshot of what an application shows, once it has drawn it. */
import type { HostCompositor } from "../tests/support/host.ts";
import { difference, type Image } from "../tests/support/image.ts";
import { delay } from "../tests/support/wait.ts";

/** How long an application may take to show something. */
const TIMEOUT_MS = 30_000;

/**
 * The screen, when it shows a window and no longer changes; undefined where no
 * window appeared.
 *
 * @param stillMs how long it must stay the same
 * @param hasEnded whether no more is to come
 */
export async function windowScreenshot(
  host: HostCompositor,
  stillMs: number,
  hasEnded: () => boolean,
): Promise<Image | undefined> {
  const deadline = performance.now() + TIMEOUT_MS;
  let last: Image | undefined;
  while (performance.now() < deadline && !hasEnded()) {
    await delay(stillMs);
    if (await host.windowArea() === undefined) continue;
    const image = await host.screenshot();
    if (last !== undefined && difference(last, image) === null) return image;
    last = image;
  }
  return last;
}
