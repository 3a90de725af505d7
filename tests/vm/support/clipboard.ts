/**
 * The clipboard between the guest and its host, by wl-clipboard's two programs
 * on either side.
 */
import assert from "node:assert/strict";
import { programEnvironment } from "../../applications/program.ts";
import type { HostCompositor } from "../../support/host.ts";
import { requirePrograms } from "../../support/packages.ts";
import { TestProcess } from "../../support/process.ts";
import { freshBytes } from "../../support/random.ts";
import { makeScratch } from "../../support/scratch.ts";
import type { GuestSession } from "./session.ts";

type Side = "guest" | "host";

/** From where to where. */
const WAYS: readonly (readonly [Side, Side])[] = [
  ["host", "guest"],
  ["guest", "host"],
  ["guest", "guest"],
];
const TRIES = 3;

/**
 * The option by which wl-clipboard's programs take the primary selection, or
 * none.
 */
type Selection = "--primary" | "";

/**
 * Copies text and random bytes on each side, and pastes them on the other; a
 * tenth of them also from one program of the guest to another, which takes two
 * passages of the device for each 8 KiB. By the clipboard, or by what is
 * selected and pasted with the middle button.
 */
export async function pasteEveryWay(
  session: GuestSession,
  length: number,
  selection: Selection = "",
): Promise<void> {
  await requirePrograms([
    { program: "wl-copy", package: "wl-clipboard" },
    { program: "wl-paste", package: "wl-clipboard" },
  ]);
  await using host = await session.startHost();
  const contents = [
    ["text/plain;charset=utf-8", text(length)],
    ["application/x-test", freshBytes(length)],
  ] as const;
  for (const [type, content] of contents) {
    for (const [from, to] of WAYS) {
      const sent = from === to ? content.subarray(0, length / 10) : content;
      const options = `${selection} --type '${type}'`;
      const pasted = await untilNotCutOff(
        session,
        () => copyAndPaste(session, host, from, to, options, sent),
      );
      const what = `${type} from the ${from} to the ${to}`;
      assert.equal(pasted.length, sent.length, what);
      const isSame = sent.every((byte, index) => byte === pasted[index]);
      assert.ok(isSame, `${what} differs`);
    }
  }
}

/**
 * Pastes again where the proxy says that it has cut a paste off. wl-paste reads
 * nothing before it has an answer, and a host whose processors are busy may
 * have data before it tells that answer, which it then tells behind all of
 * them, and 16 MiB are all that wait.
 */
async function untilNotCutOff(
  session: GuestSession,
  paste: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  for (let attempt = 1;; attempt++) {
    const before = await cutOffs(session);
    const pasted = await paste();
    if (attempt === TRIES || await cutOffs(session) === before) return pasted;
  }
}

async function cutOffs(session: GuestSession): Promise<number> {
  const log = await session.proxyLog();
  return log.split("cut off a paste").length;
}

async function copyAndPaste(
  session: GuestSession,
  host: HostCompositor,
  from: Side,
  to: Side,
  options: string,
  content: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  using home = makeScratch("home");
  const { share } = session.guest;
  await Deno.writeFile(`${share}/copied`, content);
  const start = (side: Side, script: string): TestProcess =>
    side === "guest"
      ? session.start(["sh", "-c", script.replaceAll(share, "/share")])
      : new TestProcess(["sh", "-c", script], {
        logPath: `${home.path}/${crypto.randomUUID()}.log`,
        environment: programEnvironment(home.path, host.waylandDisplay),
      });
  // The parent ends once its child owns the selection. In the guest the child
  // keeps no output of the driver's open.
  await using copying = start(
    from,
    `exec wl-copy ${options} <${share}/copied >/dev/null 2>&1`,
  );
  assert.equal(await copying.end(60_000), 0, copying.log());
  const paste = `exec wl-paste --no-newline ${options} >${share}/pasted`;
  await using pasting = start(to, paste);
  assert.equal(await pasting.end(180_000), 0, pasting.log());
  return await Deno.readFile(`${share}/pasted`);
}

function text(length: number): Uint8Array<ArrayBuffer> {
  const line = new TextEncoder().encode(
    "The quick brown fox jumps over the lazy dog: \u00fc \u2713 \u{1f98a}\n",
  );
  const bytes = new Uint8Array(length).fill(0x2e);
  for (let at = 0; at + line.length <= length; at += line.length) {
    bytes.set(line, at);
  }
  return bytes;
}
