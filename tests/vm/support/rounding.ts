/**
 * Pictures that differ in nothing but rounding.
 *
 * Firefox blends with the instructions that its processor has, and the emulated
 * one has others than this machine: 1059 pixels of its window differ, by 2
 * of 255 at most.
 */
import type { Shot } from "../../applications/session.ts";
import type { HostCompositor } from "../../support/host.ts";
import type { Image } from "../../support/image.ts";

/** By how much a channel may differ. */
const ROUNDING = 2;

/**
 * From now on the host's screenshots are equal to that expected one to which
 * they are nearest, where they differ by rounding only.
 */
export function forgiveRounding(
  host: HostCompositor,
  expected: readonly Shot[],
): void {
  const screenshot = host.screenshot.bind(host);
  host.screenshot = async () => roundToNearest(await screenshot(), expected);
}

function roundToNearest(image: Image, expected: readonly Shot[]): Image {
  let nearest = image;
  let fewest = Infinity;
  for (const { image: { pixels: wanted } } of expected) {
    const pixels = image.pixels.slice();
    let different = 0;
    for (const [at, value] of wanted.entries()) {
      if (Math.abs((pixels[at] ?? 0) - value) <= ROUNDING) pixels[at] = value;
      else different++;
    }
    if (different < fewest) {
      fewest = different;
      nearest = { ...image, pixels };
    }
  }
  return nearest;
}
