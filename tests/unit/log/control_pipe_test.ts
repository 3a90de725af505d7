/** The control pipe of the log ring. */

import assert from "node:assert/strict";
import { mkfifo } from "../../../ffi/process.ts";
import {
  controlPipePath,
  openControlPipe,
} from "../../../src/log/control_pipe.ts";
import { Log } from "../../../src/log/log.ts";
import { planLogging } from "../../../src/log/options.ts";
import { Loop } from "../../../src/loop/loop.ts";
import { makeScratch } from "../../support/scratch.ts";

const header = "=== flushing log to file ===";
const noon = new Date(2026, 2, 7, 12, 0, 0).getTime();
const at = "2026-03-07 12:00:00.000";

/** A loop, a silent log with a ring, and a folder for both files. */
function openWorld(): Disposable & {
  readonly loop: Loop;
  readonly log: Log;
  readonly pipePath: string;
  readonly ringFile: () => string;
} {
  using undo = new DisposableStack();
  const scratch = undo.use(makeScratch("control"));
  const log = undo.use(
    new Log(
      planLogging({
        verbose: false,
        suppress: [],
        ringPath: `${scratch.path}/ring`,
        ringSizeBytes: 65_536,
      }, { get: () => undefined }),
      // no such descriptor: these lines are only for the ring
      { fd: 1_000_000, clock: () => noon },
    ),
  );
  const loop = undo.use(new Loop());
  const resources = undo.move();
  return {
    loop,
    log,
    pipePath: `${scratch.path}/wayland-1-ctl`,
    ringFile: () => Deno.readTextFileSync(`${scratch.path}/ring`),
    [Symbol.dispose]: () => resources[Symbol.dispose](),
  };
}

Deno.test("the pipe's name is the display's last part", () => {
  assert.equal(
    controlPipePath("wayland-1", "/run/user/7"),
    "/run/user/7/wayland-1-ctl",
  );
  assert.equal(controlPipePath("./x/wl", "/run/user/7/"), "/run/user/7/wl-ctl");
  assert.equal(controlPipePath("/tmp/wl", "/run/user/7"), "/run/user/7/wl-ctl");
});

Deno.test("each line flushes the ring, from one writer or the next", () => {
  using world = openWorld();
  const { loop, log, pipePath } = world;
  using _pipe = openControlPipe(pipePath, loop, log);
  const { isFifo, mode } = Deno.lstatSync(pipePath);
  assert.equal(isFifo, true);
  assert.equal((mode ?? 0) & 0o777, 0o600);

  log.info("wl-proxy", "one");
  Deno.writeTextFileSync(pipePath, "dump-log\n");
  assert.equal(loop.turn(-1), 1);
  const got = (command: string): string =>
    `${at}   wl-proxy WARNING: Got command on ${pipePath}: ${command} (dumping log)\n`;
  const first = `${header}\n${at}   wl-proxy INFO: one\n${got('"dump-log"')}`;
  assert.equal(world.ringFile(), first);

  // the writer is gone: that alone is nothing
  assert.equal(loop.turn(0), 0);
  assert.equal(world.ringFile(), first);

  log.info("wl-proxy", "two");
  Deno.writeTextFileSync(pipePath, "again\x1b[2J");
  assert.equal(loop.turn(-1), 1);
  assert.equal(
    world.ringFile(),
    `${first}${header}\n${at}   wl-proxy INFO: two\n${
      got('"again\\u001b[2J"')
    }`,
  );
  assert.equal(loop.turn(0), 0);
});

Deno.test("the pipe is removed at the end, once", () => {
  using world = openWorld();
  const pipe = openControlPipe(world.pipePath, world.loop, world.log);
  assert.equal(world.loop.watchCount, 1);
  pipe[Symbol.dispose]();
  assert.equal(world.loop.watchCount, 0);
  assert.throws(() => Deno.lstatSync(world.pipePath), Deno.errors.NotFound);
  pipe[Symbol.dispose]();
});

Deno.test("a pipe that a dead process left behind is replaced", () => {
  using world = openWorld();
  mkfifo(world.pipePath, 0o666);
  Deno.chmodSync(world.pipePath, 0o666);
  using _pipe = openControlPipe(world.pipePath, world.loop, world.log);
  const replaced = Deno.lstatSync(world.pipePath);
  assert.equal(replaced.isFifo, true);
  assert.equal((replaced.mode ?? 0) & 0o777, 0o600);
});

Deno.test("the pipe of another process that took the name over stays", () => {
  using world = openWorld();
  const pipe = openControlPipe(world.pipePath, world.loop, world.log);
  Deno.renameSync(world.pipePath, `${world.pipePath}.moved`);
  mkfifo(world.pipePath, 0o600);
  pipe[Symbol.dispose]();
  assert.equal(Deno.lstatSync(world.pipePath).isFifo, true);
});

Deno.test("what is no pipe is left alone, a link included, and a folder that is missing is told", () => {
  using world = openWorld();
  const open = (path: string): Disposable =>
    openControlPipe(path, world.loop, world.log);
  const problem = (message: RegExp): { name: string; message: RegExp } => ({
    name: "ControlPipeError",
    message,
  });
  Deno.writeTextFileSync(world.pipePath, "a letter");
  assert.throws(() => open(world.pipePath), problem(/is no pipe$/));
  assert.equal(Deno.readTextFileSync(world.pipePath), "a letter");
  const link = `${world.pipePath}-link`;
  Deno.symlinkSync(world.pipePath, link);
  assert.throws(() => open(link), problem(/is no pipe$/));
  assert.throws(
    () => open(`${world.pipePath}-folder/wayland-1-ctl`),
    problem(/ENOENT/),
  );
  assert.equal(world.loop.watchCount, 0);
});
