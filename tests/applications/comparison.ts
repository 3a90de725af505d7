/**
 * The comparison that the application tests are made of: the same program on a
 * fresh host, first directly, then through the proxy.
 *
 * With `WAYFERRY_APPLICATIONS_DIRECT` in the environment the second run is
 * direct as well: it tells whether a program always looks the same, and whether
 * a failure is the proxy's.
 */
import type { HostCompositor } from "../support/host.ts";
import { requirePrograms } from "../support/packages.ts";
import { startProxy } from "../support/proxy.ts";
import { makeScratch } from "../support/scratch.ts";
import type { Program } from "./program.ts";
import { runSession } from "./session.ts";

/**
 * The typeface that programs are told to use; terminals do not start without
 * one.
 */
const FONT = {
  program: "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
  package: "fonts-dejavu-core",
};

/** Makes a test of each program that works on the host. */
export function testPrograms(
  name: HostCompositor["name"],
  startHost: () => Promise<HostCompositor>,
  programs: readonly Program[],
): void {
  for (const program of programs) {
    if (program.onlyOn !== undefined && program.onlyOn.host !== name) continue;
    Deno.test(`on ${name}, ${program.name} looks and behaves through the proxy as it does directly`, async () => {
      await compareRoutes(startHost, program);
    });
  }
}

/**
 * Fails unless a program looks and behaves through the proxy as it does
 * directly, and leaves nothing behind in it.
 */
export async function compareRoutes(
  startHost: () => Promise<HostCompositor>,
  program: Program,
): Promise<void> {
  await requirePrograms([FONT, ...program.needs]);
  using home = makeScratch("home");
  await using directHost = await startHost();
  const expected = await runSession(
    directHost,
    directHost.waylandDisplay,
    home.path,
    program,
  );
  await directHost[Symbol.asyncDispose]();

  await using host = await startHost();
  if (Deno.env.has("WAYFERRY_APPLICATIONS_DIRECT")) {
    await runSession(host, host.waylandDisplay, home.path, program, expected);
    return;
  }
  await using proxy = await startProxy(host.waylandDisplay);
  try {
    await runSession(host, proxy.waylandDisplay, home.path, program, expected);
    await proxy.requireNoLeakedFds();
    await proxy.finish();
  } catch (error) {
    throw new Error(
      `${program.name} does not get through the proxy; ${proxy.describe()}`,
      { cause: error },
    );
  }
}
