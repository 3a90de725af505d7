/** The log: what goes where, and when. */

import assert from "node:assert/strict";
import { dirname } from "node:path";
import { type OwnedFd, readFd, setNonBlocking } from "../../../ffi/fd.ts";
import { createPipe } from "../../../ffi/pipe.ts";
import { getEvent, getRequest } from "../../../protocols/tables.ts";
import { Log } from "../../../src/log/log.ts";
import {
  type LoggingOptions,
  type LoggingPlan,
  planLogging,
} from "../../../src/log/options.ts";
import { createTrace, type MessageTrace } from "../../../src/log/trace.ts";
import { Loop } from "../../../src/loop/loop.ts";
import { messageWords } from "../../support/words.ts";
import { makeScratch, type Scratch } from "../../support/scratch.ts";

const noon = new Date(2026, 2, 7, 12, 0, 0).getTime();
const at = "2026-03-07 12:00:00.000";
const header = "=== flushing log to file ===";

function traceCommit(trace: MessageTrace | null): void {
  const commit = getRequest("wl_surface.commit");
  const words = messageWords(5, commit.opcode, []);
  trace?.message("client", "received", commit, 5, words, 0, 8);
}

/**
 * A log whose standard error output can be read, and whose clock stands still.
 */
class LogWorld implements Disposable {
  readonly log: Log;
  readonly ringPath: string;
  readonly #scratch: Scratch;
  readonly #reader: OwnedFd;
  readonly #writer: OwnedFd;

  constructor(
    options: Partial<LoggingOptions> & { ring?: string } = {},
    debug = "",
  ) {
    this.#scratch = makeScratch("log");
    const { reader, writer } = createPipe();
    setNonBlocking(reader.number);
    this.#reader = reader;
    this.#writer = writer;
    this.ringPath = `${this.#scratch.path}/${options.ring}`;
    const plan: LoggingPlan = planLogging({
      proxyName: "wl-proxy",
      verbose: false,
      suppress: [],
      ringPath: options.ring === undefined ? null : this.ringPath,
      ringSizeBytes: 65_536,
      ...options,
    }, { get: (name) => name === "WAYLAND_DEBUG" ? debug : undefined });
    this.log = new Log(plan, { fd: writer.number, clock: () => noon });
  }

  /** What was written since the last time. */
  standardError(): string {
    const bytes = new Uint8Array(131_072);
    const count = readFd(this.#reader.number, bytes);
    return new TextDecoder().decode(bytes.subarray(0, Math.max(0, count)));
  }

  ringFile(): string {
    return Deno.readTextFileSync(this.ringPath);
  }

  trace(): void {
    const trace = createTrace(this.log, "foot[12]");
    const motion = getEvent("wl_pointer.motion");
    const moved = messageWords(4, motion.opcode, [1, 256, 512]);
    trace?.message("host", "received", motion, 4, moved, 0, 20);
    traceCommit(trace);
    trace?.note("ended");
  }

  [Symbol.dispose](): void {
    this.log[Symbol.dispose]();
    this.#reader[Symbol.dispose]();
    this.#writer[Symbol.dispose]();
    this.#scratch[Symbol.dispose]();
  }
}

const tracedMotion =
  `${at}  wl-server INFO: foot[12] <- wl_pointer@4.motion(1, 1, 2)\n`;
const tracedCommit =
  `${at}  wl-client INFO: foot[12] -> wl_surface@5.commit()\n`;
const tracedNote = `${at}  wl-client INFO: foot[12] ended\n`;

Deno.test("errors and warnings are shown, the rest is not", () => {
  using world = new LogWorld();
  const { log } = world;
  log.error("proxy", "a");
  log.warning("xwayland", "b");
  log.info("proxy", "c");
  log.debug("proxy", "d");
  world.trace();
  assert.equal(
    world.standardError(),
    `${at}   wl-proxy ERROR: a\n${at}   xwayland WARNING: b\n`,
  );
  assert.equal(log.isWanted("proxy", "warning"), true);
  assert.equal(log.isWanted("proxy", "info"), false);
  assert.equal(createTrace(log, "foot[12]"), null);
});

Deno.test("lines of the proxy carry its name, on the standard error output and in the ring", () => {
  using world = new LogWorld({ proxyName: "wayferry", ring: "ring" });
  world.log.error("proxy", "a");
  const line = `${at}   wayferry ERROR: a\n`;
  assert.equal(world.standardError(), line);
  assert.equal(world.ringFile(), `${header}\n${line}`);
});

Deno.test("with verbose, info and messages are shown as well", () => {
  using world = new LogWorld({ verbose: true });
  world.log.info("x11", "c");
  world.log.debug("x11", "d");
  world.trace();
  assert.equal(
    world.standardError(),
    `${at}        x11 INFO: c\n` + tracedMotion + tracedCommit + tracedNote,
  );
});

Deno.test("WAYLAND_DEBUG selects a side, and is warned about where it is not understood", () => {
  using world = new LogWorld({}, "server,dri");
  world.trace();
  world.log.info("proxy", "c");
  assert.equal(
    world.standardError(),
    `${at}   wl-proxy WARNING: Unknown $WAYLAND_DEBUG item "dri": expected client, server or xwayland\n` +
      tracedMotion,
  );
});

Deno.test("suppressed messages are not shown", () => {
  using world = new LogWorld({ verbose: true, suppress: ["motion"] });
  world.trace();
  assert.equal(world.standardError(), tracedCommit + tracedNote);
});

Deno.test("suppressed messages are not in the ring", () => {
  using world = new LogWorld({
    verbose: true,
    suppress: ["motion"],
    ring: "ring",
  });
  world.trace();
  assert.equal(world.standardError(), "");
  world.log.flushRing();
  assert.equal(world.ringFile(), `${header}\n` + tracedCommit + tracedNote);
});

Deno.test("a ring takes everything, shows only warnings, and is empty after a flush", () => {
  using world = new LogWorld({ ring: "ring" });
  world.log.debug("proxy", "d");
  world.trace();
  world.log.warning("proxy", "w");
  assert.equal(world.standardError(), `${at}   wl-proxy WARNING: w\n`);
  assert.throws(() => world.ringFile(), Deno.errors.NotFound);
  world.log.flushRing();
  const first = `${header}\n${at}   wl-proxy DEBUG: d\n` + tracedMotion +
    tracedCommit + tracedNote + `${at}   wl-proxy WARNING: w\n`;
  assert.equal(world.ringFile(), first);
  world.log.flushRing();
  assert.equal(world.ringFile(), `${first}${header}\n`);
});

Deno.test("an error flushes the ring, with itself at the end", () => {
  using world = new LogWorld({ ring: "ring" });
  world.trace();
  world.log.error("proxy", "it broke\n  at foo.ts");
  const error = `${at}   wl-proxy ERROR: it broke\n      at foo.ts\n`;
  assert.equal(world.standardError(), error);
  assert.equal(
    world.ringFile(),
    `${header}\n` + tracedMotion + tracedCommit + tracedNote + error,
  );
});

Deno.test("a ring whose file cannot be written says so, and keeps its lines", () => {
  using world = new LogWorld({ ring: "folder/ring" });
  world.trace();
  world.log.flushRing();
  assert.match(
    world.standardError(),
    /wl-proxy WARNING: Cannot save the log ring: Cannot open ".*\/folder\/ring": .*\(ENOENT\)\n$/,
  );
  Deno.mkdirSync(dirname(world.ringPath));
  world.log.flushRing();
  assert.ok(
    world.ringFile().startsWith(`${header}\n` + tracedMotion + tracedCommit),
  );
});

Deno.test("what others say cannot forge a line, or command a terminal", () => {
  using world = new LogWorld();
  world.log.warning(
    "proxy",
    `title "a\n${at}   wl-proxy ERROR: b\x1b[2J\x9b\u202e"`,
  );
  assert.equal(
    world.standardError(),
    `${at}   wl-proxy WARNING: title "a\n    ${at}   wl-proxy ERROR: b\\x1b[2J\\u{9b}\\u{202e}"\n`,
  );
});

Deno.test("in a loop, messages are written at the end of the turn, and warnings at once with all before them", () => {
  using world = new LogWorld({ verbose: true });
  using loop = new Loop();
  using _attached = world.log.attach(loop);
  const trace = createTrace(world.log, "foot[12]");
  traceCommit(trace);
  assert.equal(world.standardError(), "");
  loop.turn(0);
  assert.equal(world.standardError(), tracedCommit);
  traceCommit(trace);
  world.log.warning("proxy", "w");
  assert.equal(
    world.standardError(),
    tracedCommit + `${at}   wl-proxy WARNING: w\n`,
  );
});

Deno.test("in a loop, what a slow reader left is written when it has read", () => {
  using world = new LogWorld();
  using loop = new Loop();
  using _attached = world.log.attach(loop);
  for (let i = 0; i < 8; i++) {
    world.log.warning("proxy", `${i}`.repeat(15_000));
  }
  const first = world.standardError();
  assert.ok(first.length < 8 * 15_000);
  // nothing else happens: the log itself tries again
  let rest = "";
  for (let turns = 0; rest === "" && turns < 10; turns++) {
    loop.turn(1000);
    rest = world.standardError();
  }
  assert.deepEqual(
    (first + rest).split("\n").map((line) => line.slice(-3)),
    ["000", "111", "222", "333", "444", "555", "666", "777", ""],
  );
});

Deno.test("a log outlives the loop that it was attached to", () => {
  using world = new LogWorld({ verbose: true });
  {
    using loop = new Loop();
    using _attached = world.log.attach(loop);
    world.log.addLine("before");
  }
  assert.equal(world.standardError(), "before\n");
  world.log.addLine("after");
  assert.equal(world.standardError(), "after\n");
});

Deno.test("a log without a standard error output fills its ring all the same", () => {
  using scratch = makeScratch("log");
  // nothing can be written to this end
  using reader = createPipe().reader;
  using log = new Log(
    planLogging({
      proxyName: "wl-proxy",
      verbose: true,
      suppress: [],
      ringPath: `${scratch.path}/ring`,
      ringSizeBytes: 4096,
    }, { get: () => undefined }),
    { fd: reader.number, clock: () => noon },
  );
  log.warning("proxy", "w");
  log.error("proxy", "e");
  assert.equal(
    Deno.readTextFileSync(`${scratch.path}/ring`),
    `${header}\n${at}   wl-proxy WARNING: w\n${at}   wl-proxy ERROR: e\n`,
  );
});
