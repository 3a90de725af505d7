/**
 * The proxy in a real guest: a kernel's virtio-gpu device, and behind it the host side of a real cross-domain engine.
 *
 * `WAYFERRY_VM_ENGINES` chooses the engines: names such as "0.1.85/stock", separated by blanks, or "all".
 * `WAYFERRY_VM_PROGRAMS` is "all" for a program of each toolkit as well, which takes much longer.
 */
import assert from "node:assert/strict";
import type { Program } from "../applications/program.ts";
import { PROGRAMS } from "../applications/programs.ts";
import { WESTON_CLIENTS } from "../applications/weston_clients.ts";
import { runSession } from "../applications/session.ts";
import { rutabagas } from "../emulator/host_profile.ts";
import { difference } from "../support/image.ts";
import { requirePrograms } from "../support/packages.ts";
import { makeScratch } from "../support/scratch.ts";
import { delay } from "../support/wait.ts";
import { startWeston, type Weston } from "../support/weston.ts";
import { pasteBothWays } from "./support/clipboard.ts";
import { driver, type Engine } from "./support/guest.ts";
import {
  EXECUTABLE,
  type GuestSession,
  startGuestSession,
} from "./support/session.ts";

const LARGE = 20 * 1000 * 1000;

const known: readonly Program[] = [...PROGRAMS, ...WESTON_CLIENTS];

/** Those that are run where nobody asks for all. */
const few: readonly string[] = [
  "foot",
  "weston-eventdemo",
  "weston-simple-shm",
];

const programs = known.filter((program) =>
  few.includes(program.name) ||
  (Deno.env.get("WAYFERRY_VM_PROGRAMS") === "all" && PROGRAMS.includes(program))
);

function chosenEngines(): Engine[] {
  const chosen = Deno.env.get("WAYFERRY_VM_ENGINES") ?? "0.1.85/stock";
  const known = rutabagas.flatMap((rutabaga): Engine[] => [
    { rutabaga, fences: "stock" },
    { rutabaga, fences: "fixed" },
  ]);
  return known.filter(({ rutabaga, fences }) =>
    chosen === "all"
      ? fences === "stock"
      : chosen.split(" ").includes(`${rutabaga}/${fences}`)
  );
}

if (driver === undefined) {
  Deno.stderr.writeSync(
    new TextEncoder().encode(
      "The tests in virtual machines are skipped: WAYFERRY_VM names no driver\n",
    ),
  );
}

for (const engine of chosenEngines()) {
  Deno.test({
    name:
      `in a guest, with rutabaga ${engine.rutabaga} and fences ${engine.fences} on its host`,
    ignore: driver === undefined,
    fn: async (test) => {
      await using session = await startGuestSession(engine);
      const step = (name: string, fn: () => Promise<void>): Promise<boolean> =>
        test.step(name, fn);
      await step("doctor tells what there is", () => askDoctor(session));
      await session.startProxy();
      for (const program of programs) {
        await step(
          `${program.name} looks as it does on the host`,
          () => compare(session, program),
        );
      }
      await step("several at once, and none stalls", () => several(session));
      await step("20 MB are pasted byte for byte, both ways", async () => {
        await using host = await session.startHost();
        await pasteBothWays(session, host, LARGE);
      });
      await step("a paste that nobody reads stops nobody else", async () => {
        await unreadPaste(session);
      });
      await step(
        "a compositor that is stopped for 10 s stops nobody for good",
        () => stoppedCompositor(session),
      );
      await step("the proxy ends well", async () => {
        const { log, left } = await session.endProxy();
        assert.equal(left, "");
        assert.doesNotMatch(log, /ERROR|panicked|Uncaught/);
      });
    },
  });
}

async function askDoctor(session: GuestSession): Promise<void> {
  const { guest, engine } = session;
  await using _host = await session.startHost();
  const environment = "cd / && export XDG_RUNTIME_DIR=/tmp;";
  const report = await guest.must(`${environment} ${EXECUTABLE} doctor`);
  const identifiers = engine.rutabaga === "0.1.2" ? 4 : 28;
  assert.match(
    report,
    new RegExp(`ok +dialect: ${identifiers} identifiers per message`),
  );
  assert.match(report, /ok +wl_seat: version/);
  assert.match(report, /ok +window: a small one was shown/);
  assert.match(report, /wayferry proxy --virtio-gpu/);
  assert.doesNotMatch(report, /MISSING/);
  const stranger = await guest.run(
    `${environment} setpriv --reuid=65534 --regid=65534 --clear-groups ${EXECUTABLE} doctor`,
  );
  assert.equal(stranger.code, 123, stranger.text);
  assert.match(stranger.text, /MISSING +node: .* may not be opened/);
  session.loseHost();
  const deserted = await guest.run(`${environment} ${EXECUTABLE} doctor`);
  assert.equal(deserted.code, 123, deserted.text);
  assert.match(deserted.text, /ok +channel: Wayland/);
  assert.match(deserted.text, /MISSING +compositor: the host /);
}

/** A program runs on a host as on another, and through the guest as without it. */
async function compare(
  session: GuestSession,
  program: Program,
): Promise<void> {
  await requirePrograms(program.needs);
  const { home } = session;
  await using direct = await startWeston();
  const expected = await runSession(
    direct,
    direct.waylandDisplay,
    home,
    program,
  );
  await direct[Symbol.asyncDispose]();
  const before = await session.holdings();
  await using host = await session.startHost();
  // Older engines tell nobody that the compositor has gone.
  if (session.engine.rutabaga !== "0.1.85") endInstead(session, host, program);
  const argv = session.guest.command(
    session.scriptInHome(program.argv, program.environment),
  );
  await runSession(host, host.waylandDisplay, home, {
    ...program,
    argv,
  }, expected);
  await host[Symbol.asyncDispose]();
  const most = {
    memory: before.memory,
    descriptors: before.descriptors + LAZY_DESCRIPTORS,
  };
  const after = await session.holdings(most);
  assert.equal(after.memory, most.memory, "memory of the host is left");
  assert.ok(
    after.descriptors <= most.descriptors,
    `${before.descriptors} descriptors before, ${after.descriptors} after`,
  );
}

/** What the proxy opens once and keeps: files that it has copied. */
const LAZY_DESCRIPTORS = 4;

function endInstead(
  session: GuestSession,
  host: Weston,
  { argv: [name = ""] }: Program,
): void {
  host.closeWindow = async () => {
    await session.guest.run(`/run/bb/busybox killall -TERM ${name}`);
  };
}

async function several(session: GuestSession): Promise<void> {
  await using host = await session.startHost();
  await using resources = new AsyncDisposableStack();
  const names = [
    "weston-simple-shm",
    "weston-smoke",
    "weston-flower",
    "weston-eventdemo",
  ];
  for (const name of names) resources.use(session.start([name]));
  await waitForWindow(host);
  // Four at a time ask for everything that there is, while the others draw.
  const asking = Array.from(
    { length: 4 },
    () =>
      session.start([
        "sh",
        "-c",
        "for i in $(seq 5); do wayland-info >/dev/null || exit 1; done",
      ]),
  );
  for (const process of asking) resources.use(process);
  for (const process of asking) {
    assert.equal(await process.end(120_000), 0, process.log());
  }
  await requireMotion(host);
  const running = await session.guest.must("/run/bb/busybox ps -o comm");
  for (const name of names) {
    assert.ok(
      running.includes(name.slice(0, 15)),
      `${name} has ended:\n${await session.proxyLog()}`,
    );
  }
  await session.guest.must(`/run/bb/busybox killall ${names.join(" ")}`);
}

async function unreadPaste(session: GuestSession): Promise<void> {
  await using host = await session.startHost();
  using home = makeScratch("copied");
  await Deno.writeFile(`${home.path}/content`, new Uint8Array(LARGE));
  await using drawing = session.start(["weston-simple-shm"]);
  await waitForWindow(host);
  const environment = {
    XDG_RUNTIME_DIR: home.path,
    WAYLAND_DISPLAY: host.waylandDisplay,
  };
  const copied = await new Deno.Command("sh", {
    args: ["-c", `exec wl-copy --type text/x-test <${home.path}/content`],
    env: environment,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  assert.equal(copied.code, 0);
  await using paste = session.start([
    "sh",
    "-c",
    "wl-paste --no-newline --type text/x-test | sleep 8",
  ]);
  await delay(2000);
  await requireMotion(host);
  assert.equal(drawing.ending, undefined, drawing.log());
  await paste.end(60_000);
  await session.guest.must("/run/bb/busybox killall weston-simple-shm");
  assert.match(await session.guest.must("echo alive"), /alive/);
}

/** Windows stand still, the guest does not, and then everything goes on. */
async function stoppedCompositor(session: GuestSession): Promise<void> {
  await using host = await session.startHost();
  await using drawing = session.start(["weston-simple-shm"]);
  await waitForWindow(host);
  host.process.signal("SIGSTOP");
  try {
    const deadline = performance.now() + 10_000;
    while (performance.now() < deadline) {
      assert.match(await session.guest.must("date && sleep 1", 15), /20\d\d/);
    }
  } finally {
    host.process.signal("SIGCONT");
  }
  await requireMotion(host);
  assert.equal(drawing.ending, undefined, drawing.log());
  await session.guest.must("/run/bb/busybox killall weston-simple-shm");
}

async function waitForWindow(host: Weston): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (await host.windowArea() !== undefined) return;
    await delay(100);
  }
  throw new Error("No window came");
}

/** Fails unless something moves on the screen. */
async function requireMotion(host: Weston): Promise<void> {
  const before = await host.screenshot();
  for (let attempt = 0; attempt < 100; attempt++) {
    await delay(100);
    if (difference(before, await host.screenshot()) !== null) return;
  }
  throw new Error("Nothing has moved on the screen for 10 s");
}
