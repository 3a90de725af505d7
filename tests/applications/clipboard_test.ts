/**
 * The clipboard between applications behind the proxy and applications beside
 * it, with wl-clipboard's two programs.
 */
import assert from "node:assert/strict";
import type { HostCompositor } from "../support/host.ts";
import { requirePrograms } from "../support/packages.ts";
import { startProxy } from "../support/proxy.ts";
import { freshBytes } from "../support/random.ts";
import { makeScratch } from "../support/scratch.ts";
import { startSway } from "../support/sway.ts";
import { startWeston } from "../support/weston.ts";
import { startProgram } from "./program.ts";

const HOSTS = [["sway", startSway], ["weston", startWeston]] as const;

/** The copying and the pasting program's ways to the host. */
const ROUTES = [["direct", "proxy"], ["proxy", "direct"], [
  "proxy",
  "proxy",
]] as const;

const LARGE = 100 * 1024 * 1024;

for (const [name, startHost] of HOSTS) {
  Deno.test(`on ${name}, 100 MiB are pasted byte for byte, into and out of the proxy`, async () => {
    await pasteEveryWay(startHost, freshBytes(LARGE), []);
  });
}

// weston 10 has no primary selection.
Deno.test("on sway, the primary selection crosses the proxy both ways", async () => {
  await pasteEveryWay(
    startSway,
    new TextEncoder().encode("selected, not copied: \u2713\n"),
    ["--primary"],
  );
});

async function pasteEveryWay(
  startHost: () => Promise<HostCompositor>,
  content: Uint8Array<ArrayBuffer>,
  options: readonly string[],
): Promise<void> {
  await requirePrograms([
    { program: "wl-copy", package: "wl-clipboard" },
    { program: "wl-paste", package: "wl-clipboard" },
  ]);
  await using host = await startHost();
  await using proxy = await startProxy(host.waylandDisplay);
  const sockets = { direct: host.waylandDisplay, proxy: proxy.waylandDisplay };
  for (const [copyRoute, pasteRoute] of ROUTES) {
    const pasted = await copyAndPaste(
      content,
      options,
      sockets[copyRoute],
      sockets[pasteRoute],
    );
    assert.equal(
      pasted.length,
      content.length,
      `bytes copied ${copyRoute} and pasted ${pasteRoute}`,
    );
    assert.ok(
      isSame(pasted, content),
      `what was copied ${copyRoute} and pasted ${pasteRoute} differs`,
    );
  }
  await proxy.requireNoLeakedFds();
  await proxy.finish();
}

async function copyAndPaste(
  content: Uint8Array<ArrayBuffer>,
  options: readonly string[],
  copySocket: string,
  pasteSocket: string,
): Promise<Uint8Array> {
  using home = makeScratch("home");
  await Deno.writeFile(`${home.path}/content`, content);
  const type = ["--type", "application/x-test"];
  // The parent ends once its child owns the selection; the child stays in its
  // process group.
  await using copying = startProgram(
    ["sh", "-c", 'exec "$@" <content', "sh", "wl-copy", ...type, ...options],
    home.path,
    copySocket,
    {},
    "copy",
  );
  assert.equal(await copying.end(30_000), 0, copying.log());
  const paste = ["wl-paste", "--no-newline", ...type, ...options];
  await using pasting = startProgram(
    ["sh", "-c", 'exec "$@" >pasted', "sh", ...paste],
    home.path,
    pasteSocket,
    {},
    "paste",
  );
  assert.equal(await pasting.end(60_000), 0, pasting.log());
  return await Deno.readFile(`${home.path}/pasted`);
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length &&
    one.every((byte, index) => byte === other[index]);
}
