/**
 * The proxy in a real guest: a kernel's virtio-gpu device, and behind it the
 * host side of a real cross-domain engine.
 *
 * `WAYFERRY_VM_ENGINES` chooses the engines: names such as "0.1.85/stock",
 * separated by blanks, or "all". `WAYFERRY_VM_HOSTS` chooses the compositors
 * behind them: "weston", "sway", or both. `WAYFERRY_VM_PROGRAMS` is "all" for a
 * program of each toolkit as well, or the beginnings of some names, separated
 * by commas.
 */
import assert from "node:assert/strict";
import type { Program } from "../applications/program.ts";
import { MAX_CLIENTS } from "../../src/host/virtgpu/host.ts";
import { runSession } from "../applications/session.ts";
import { requirePrograms } from "../support/packages.ts";
import { makeScratch } from "../support/scratch.ts";
import { delay } from "../support/wait.ts";
import {
  chosenEngines,
  chosenHosts,
  chosenPrograms,
} from "./support/chosen.ts";
import { pasteEveryWay } from "./support/clipboard.ts";
import { driver, quoted } from "./support/guest.ts";
import {
  endDrawing,
  requireMotion,
  startDrawing,
  waitForWindow,
} from "./support/motion.ts";
import { requirePresentation } from "./support/presentation.ts";
import { forgiveRounding } from "./support/rounding.ts";
import {
  allowed,
  EXECUTABLE,
  type GuestSession,
  type HostName,
  startCompositor,
  startGuestSession,
} from "./support/session.ts";

/** A program that says what of its window has changed. */
const DAMAGING = "weston-simple-damage";

const LARGE = 20 * 1000 * 1000;
const SMALL = 100_000;

/** Bytes of the host's memory that a client keeps which shows nothing. */
const KEPT = 64 * 1024 * 1024;
/** Surfaces of 8 MB each, which need more. */
const WIDE = 12;

/**
 * More than there can be of what the steps before have left: programs that own
 * a selection.
 */
const IDLE_CLIENTS = 8;

/**
 * How long a program may take for a step: the guest may be emulated, and reads
 * its files through the host, which is busy with that.
 */
const STEP_MS = 300_000;

/**
 * What programs need on an emulated processor, which LLVM refuses to make code
 * for: GTK 4 without GL, and no report where Firefox is ended in the midst of
 * something.
 */
const EMULATED = { GSK_RENDERER: "cairo", MOZ_CRASHREPORTER_DISABLE: "1" };

if (driver === undefined) {
  Deno.stderr.writeSync(
    new TextEncoder().encode(
      "The tests in virtual machines are skipped: WAYFERRY_VM names no driver\n",
    ),
  );
}

for (const engine of chosenEngines()) {
  for (const hostName of chosenHosts()) {
    Deno.test({
      name:
        `in a guest, with ${hostName}, rutabaga ${engine.rutabaga} and fences ${engine.fences} on its host`,
      ignore: driver === undefined,
      fn: async (test) => {
        await using session = await startGuestSession(engine, hostName);
        await testGuest(session, (name, fn) => test.step(name, fn));
      },
    });
  }
}

async function testGuest(
  session: GuestSession,
  step: (name: string, fn: () => Promise<void>) => Promise<boolean>,
): Promise<void> {
  await step("doctor tells what there is", () => askDoctor(session));
  await session.startProxy();
  for (const program of chosenPrograms(session.hostName)) {
    await step(
      `${program.name} looks as it does on the host`,
      () => compare(session, program),
    );
  }
  for (const [name, run] of Object.entries(stepsOn(session.hostName))) {
    await step(name, () => run(session));
  }
  await step("the proxy ends well", async () => {
    const { log, left } = await session.endProxy();
    assert.equal(left, "");
    assert.doesNotMatch(log, /ERROR|panicked|Uncaught/);
  });
}

/** What is done with a proxy whose host has such a compositor. */
function stepsOn(
  host: HostName,
): Record<string, (session: GuestSession) => Promise<void>> {
  return {
    "several at once, and none stalls": several,
    // A sway without a screen says of no picture when it was shown.
    ...(host === "weston" && {
      "presentation times are in the clock of the guest, also after it was suspended":
        requirePresentation,
    }),
    "20 MB are pasted byte for byte, both ways, and 2 MB from one application of the guest to another":
      (session) => pasteEveryWay(session, LARGE),
    // weston has no such selection
    ...(host === "sway" && {
      "what is selected is pasted, both ways": (session: GuestSession) =>
        pasteEveryWay(session, SMALL, "--primary"),
    }),
    "a paste that nobody reads stops nobody else": unreadPaste,
    "a compositor that is stopped for 10 s stops nobody for good":
      stoppedCompositor,
    "applications end with their compositor, and the next one serves new ones at once":
      killedCompositor,
    "a client that is killed leaves nothing behind": killedClients,
    "memory of windows that are gone is kept up to 64 MiB, and given back after seconds":
      keptMemory,
    "more applications than the device has places for wait, and the machine goes on":
      crowd,
  };
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
  assert.match(report, /ok +window: the compositor showed a small test window/);
  assert.match(report, /wayferry proxy --virtio-gpu/);
  assert.doesNotMatch(report, /MISSING/);
  const stranger = await guest.run(
    `${environment} setpriv --reuid=65534 --regid=65534 --clear-groups ${EXECUTABLE} doctor`,
  );
  assert.equal(stranger.code, 123, stranger.text);
  assert.match(
    stranger.text,
    /MISSING +node: neither this user nor any group may open/,
  );
  session.loseHost();
  const deserted = await guest.run(`${environment} ${EXECUTABLE} doctor`);
  assert.equal(deserted.code, 123, deserted.text);
  assert.match(deserted.text, /ok +channel: Wayland/);
  assert.match(deserted.text, /MISSING +compositor: the host /);
}

/**
 * A program runs on a host as on another, and through the guest as without it.
 */
async function compare(
  session: GuestSession,
  { environment, ...traits }: Program,
): Promise<void> {
  const program: Program = {
    ...traits,
    environment: { ...environment, ...EMULATED },
  };
  await requirePrograms(program.needs);
  const { home } = session;
  await using direct = await startCompositor(session.hostName);
  const expected = await runSession(
    direct,
    direct.waylandDisplay,
    home,
    program,
    undefined,
    STEP_MS,
  );
  await direct[Symbol.asyncDispose]();
  const before = await session.holdings();
  await using host = await session.startHost();
  const { judgement } = program;
  if (judgement.pixels === "equal" && judgement.butFor !== undefined) {
    forgiveRounding(host, expected);
  }
  // weston has no way to ask a window to close, and its own end is not told at
  // once by every engine.
  if (host.name === "weston") host.closeWindow = () => session.endProgram();
  await using leftovers = new AsyncDisposableStack();
  leftovers.defer(() => session.killProgram());
  const argv = session.guest.command(
    session.scriptInHome(program.argv, program.environment),
    1800,
  );
  await runSession(
    host,
    host.waylandDisplay,
    home,
    { ...program, argv },
    expected,
    STEP_MS,
  );
  await leftovers.disposeAsync();
  await host[Symbol.asyncDispose]();
  const most = allowed(before);
  const after = await session.holdings(most);
  assert.equal(after.memory, most.memory, "memory of the host is left");
  assert.ok(
    after.descriptors <= most.descriptors,
    `${before.descriptors} descriptors before, ${after.descriptors} after`,
  );
}

async function several(session: GuestSession): Promise<void> {
  await requirePrograms([
    { program: "wayland-info", package: "wayland-utils" },
  ]);
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
  const ask = "for i in $(seq 5); do wayland-info >/dev/null || exit 1; done";
  const asking = Array.from(
    { length: 4 },
    () => resources.use(session.start(["sh", "-c", ask])),
  );
  for (const process of asking) {
    assert.equal(await process.end(120_000), 0, process.log());
  }
  await requireMotion(host);
  for (const name of names) {
    assert.ok(
      await session.isRunning(name),
      `${name} has ended:\n${await session.proxyLog()}`,
    );
  }
  await session.kill(names);
}

async function unreadPaste(session: GuestSession): Promise<void> {
  await using host = await session.startHost();
  using home = makeScratch("copied");
  await Deno.writeFile(`${home.path}/content`, new Uint8Array(LARGE));
  await using drawing = await startDrawing(session, host);
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
  const unread = "wl-paste --no-newline --type text/x-test | sleep 8";
  await using paste = session.start(["sh", "-c", unread]);
  await delay(2000);
  await requireMotion(host);
  assert.equal(drawing.ending, undefined, drawing.log());
  await paste.end(60_000);
  await session.kill(["weston-simple-shm"]);
  assert.match(await session.guest.must("echo alive"), /alive/);
}

/** Windows stand still, the guest does not, and then everything goes on. */
async function stoppedCompositor(session: GuestSession): Promise<void> {
  await using host = await session.startHost();
  await using drawing = await startDrawing(session, host);
  host.process.signal("SIGSTOP");
  try {
    const deadline = performance.now() + 10_000;
    while (performance.now() < deadline) {
      assert.match(await session.guest.must("date && sleep 1", 15), /20\d\d/);
    }
  } finally {
    host.process.signal("SIGCONT");
  }
  await endDrawing(session, host, drawing);
}

async function killedCompositor(session: GuestSession): Promise<void> {
  const before = await session.holdings();
  await using host = await session.startHost();
  await using old = await startDrawing(session, host);
  host.process.signal("SIGKILL");
  await host.process.end(10_000);
  await using next = await session.startHost();
  await using drawing = await startDrawing(session, next, DAMAGING);
  await requireMotion(next);
  // The engine may tell nothing; then it takes the proxy 30 s to find out.
  await old.end(60_000);
  await endDrawing(session, next, drawing, DAMAGING);
  await requireReturn(session, before);
}

/**
 * Clients that are killed while they connect, make their buffers, draw, or end.
 */
async function killedClients(session: GuestSession): Promise<void> {
  await using host = await session.startHost();
  await using drawing = await startDrawing(session, host);
  const before = await session.holdings();
  const client = quoted([session.script([DAMAGING])]);
  await session.guest.must(
    `for i in $(seq 24); do
      timeout --signal=KILL 0.$((RANDOM % 90 + 10)) sh -c ${client} >/dev/null 2>&1
    done; true`,
  );
  await requireReturn(session, before);
  await endDrawing(session, host, drawing);
}

async function keptMemory(session: GuestSession): Promise<void> {
  await using _host = await session.startHost();
  const before = await session.holdings();
  const endWatching = await session.watchMemory();
  await using staying = await session.startStayingClient("wide", WIDE);
  const { memory } = await session.holdings({
    memory: before.memory,
    handles: Infinity,
    descriptors: Infinity,
  });
  const used = (await endWatching()).map((bytes) => bytes - before.memory);
  staying.requireRunning();
  assert.equal(memory, before.memory, `${used}`);
  assert.ok(Math.max(...used) > KEPT, `${used}`);
  const kept = used.findLast((bytes) => bytes > 0) ?? 0;
  assert.ok(kept > 0 && kept <= KEPT, `${used}`);
  await session.endStayingClient();
}

async function crowd(session: GuestSession): Promise<void> {
  await using host = await session.startHost();
  const count = MAX_CLIENTS + 30;
  const admitted = Number(await session.runClient("crowd", count));
  // Where an engine does not tell that a compositor has gone, its clients that
  // are idle keep their places.
  assert.ok(
    admitted <= MAX_CLIENTS && admitted > MAX_CLIENTS - IDLE_CLIENTS,
    `${admitted} were let in`,
  );
  await using drawing = await startDrawing(session, host);
  await endDrawing(session, host, drawing);
}

async function requireReturn(
  session: GuestSession,
  before: Awaited<ReturnType<GuestSession["holdings"]>>,
): Promise<void> {
  const most = allowed(before);
  const after = await session.holdings(most);
  assert.ok(
    after.memory <= most.memory && after.handles <= most.handles &&
      after.descriptors <= most.descriptors,
    `before ${JSON.stringify(before)}, after ${JSON.stringify(after)}`,
  );
}
