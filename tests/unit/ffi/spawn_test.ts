/** Programs started with chosen descriptors, and how they end. */

import assert from "node:assert/strict";
import { SyscallError } from "../../../ffi/error.ts";
import {
  duplicateFd,
  O_RDWR,
  openFile,
  type OwnedFd,
  readFd,
  setCloseOnExec,
  writeFd,
} from "../../../ffi/fd.ts";
import { createMemfd } from "../../../ffi/memfd.ts";
import { openPidfd, sendSignal, takeChildExit } from "../../../ffi/pidfd.ts";
import { createPipe } from "../../../ffi/pipe.ts";
import { readFdLimit } from "../../../ffi/process.ts";
import { spawn, type SpawnOptions } from "../../../ffi/spawn.ts";
import { type ChildExit, watchChild } from "../../../src/loop/children.ts";
import { Loop } from "../../../src/loop/loop.ts";

const environment = { PATH: "/usr/bin:/bin" };

/** Runs a program to its end, and returns what it wrote to `outputFd`. */
function run(
  options: Partial<SpawnOptions> & { readonly argv: readonly string[] },
  outputFd = 1,
): { readonly output: string; readonly exit: ChildExit } {
  using loop = new Loop();
  const { reader, writer } = createPipe();
  using output = reader;
  let child: ReturnType<typeof spawn>;
  {
    using given = writer;
    child = spawn({
      environment,
      ...options,
      fds: new Map([...options.fds ?? [], [outputFd, given.number]]),
    });
  }
  let exit: ChildExit = { code: -1 };
  using _child = watchChild(loop, child.pidfd, (result) => {
    exit = result;
    loop.stop();
  });
  loop.run();
  const bytes = new Uint8Array(65536);
  const count = readFd(output.number, bytes);
  return { output: new TextDecoder().decode(bytes.subarray(0, count)), exit };
}

/**
 * Lists the descriptors that a shell has when it starts; the one with which it
 * looks is closed by then.
 */
const LIST_FDS =
  'for f in /proc/$$/fd/*; do [ -e "$f" ] && echo "${f##*/}"; done';

function numbered(text: string): OwnedFd {
  const fd = createMemfd("numbered", 0);
  writeFd(fd.number, new TextEncoder().encode(text));
  return fd;
}

Deno.test("a program gets its arguments and its whole environment, and its status comes back", () => {
  const script = 'printf "%s|" "$0" "$@" "$COLOUR" "$HOME"; exit 7';
  assert.deepEqual(
    run({
      argv: ["sh", "-c", script, "näme", "", "a b"],
      environment: { COLOUR: "blå" },
    }),
    {
      output: "näme||a b|blå||",
      exit: { code: 7 },
    },
  );
});

Deno.test("a program that a signal ends is told from one that returns", () => {
  assert.deepEqual(run({ argv: ["sh", "-c", "kill -TERM $$"] }).exit, {
    signal: "SIGTERM",
  });
});

Deno.test("a program begins where it is told to", () => {
  assert.equal(
    run({ argv: ["pwd"], workingDirectory: "/usr" }).output,
    "/usr\n",
  );
});

Deno.test("descriptors that change places all arrive", () => {
  using undo = new DisposableStack();
  const one = undo.use(numbered("one"));
  const two = undo.use(numbered("two"));
  const three = undo.use(numbered("three"));
  // a ring of three, and one that keeps its number
  const fds = new Map([
    [one.number, two.number],
    [two.number, three.number],
    [three.number, one.number],
  ]);
  const script = [one, two, three].map((fd) =>
    `cat /proc/self/fd/${fd.number}; echo`
  ).join(";");
  assert.equal(
    run({ argv: ["sh", "-c", script], fds }).output,
    "two\nthree\none\n",
  );
});

Deno.test("a descriptor that keeps its number loses close-on-exec in the program only", () => {
  using fd = numbered("kept");
  const script = `cat /proc/self/fd/${fd.number}`;
  assert.equal(
    run({ argv: ["sh", "-c", script], fds: new Map([[fd.number, fd.number]]) })
      .output,
    "kept",
  );
  assert.match(
    Deno.readTextFileSync(`/proc/self/fdinfo/${fd.number}`),
    /^flags:\s*02/m,
  );
});

Deno.test("one descriptor may be given twice", () => {
  using fd = numbered("twice");
  const script = "cat /proc/self/fd/3 /proc/self/fd/5";
  const fds = new Map([[3, fd.number], [5, fd.number]]);
  assert.equal(run({ argv: ["sh", "-c", script], fds }).output, "twicetwice");
});

Deno.test("a program has no descriptor but those that it was given", () => {
  using leaking = openFile("/dev/null", O_RDWR);
  setCloseOnExec(leaking.number, "keep");
  using high = duplicateFd(leaking.number, 300);
  setCloseOnExec(high.number, "keep");
  const fds = new Map([[40, leaking.number], [3, leaking.number]]);
  assert.equal(
    run({ argv: ["sh", "-c", LIST_FDS], fds }).output,
    "0\n1\n2\n3\n40\n",
  );
});

Deno.test("a program starts with the usual limit of open files, no blocked signal, and SIGPIPE", () => {
  const before = readFdLimit();
  const { output } = run({
    argv: [
      "sh",
      "-c",
      "ulimit -Sn; ulimit -Hn; grep -E 'SigBlk|SigIgn' /proc/self/status",
    ],
  });
  const soft = before.soft < 1024n ? before.soft : 1024n;
  assert.equal(
    output,
    `${soft}\n${before.hard}\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n`,
  );
  assert.deepEqual(readFdLimit(), before);
});

Deno.test("a program that does not exist is reported at once", () => {
  const fds = new Map<number, number>();
  const isMissing = { name: "SyscallError", code: "ENOENT" };
  assert.throws(
    () => spawn({ argv: ["/nowhere/program"], environment, fds }),
    isMissing,
  );
  assert.throws(
    () => spawn({ argv: ["no-such-program-here"], environment, fds }),
    isMissing,
  );
  assert.throws(
    () =>
      spawn({ argv: ["true"], environment, fds, workingDirectory: "/nowhere" }),
    isMissing,
  );
  assert.throws(() => spawn({ argv: [], environment, fds }), TypeError);
});

Deno.test("a running program is signalled by its descriptor, and not after its end", () => {
  using loop = new Loop();
  const child = spawn({ argv: ["sleep", "60"], environment, fds: new Map() });
  using second = openPidfd(child.pid);
  assert.equal(takeChildExit(second.number), null);
  assert.equal(sendSignal(second.number, "SIGKILL"), true);
  const exits: ChildExit[] = [];
  using _watch = watchChild(loop, child.pidfd, (exit) => exits.push(exit));
  while (exits.length === 0) loop.turn(5000);
  assert.deepEqual(exits, [{ signal: "SIGKILL" }]);
  assert.equal(sendSignal(second.number, "SIGKILL"), false);
  assert.equal(loop.watchCount, 0);
  assert.throws(() => openPidfd(child.pid), SyscallError);
});

Deno.test("a child that nobody watches any more is not reported", () => {
  using loop = new Loop();
  const child = spawn({ argv: ["true"], environment, fds: new Map() });
  using second = openPidfd(child.pid);
  watchChild(loop, child.pidfd, () => assert.fail("reported"))
    [Symbol.dispose]();
  using other = watchChild(loop, second, () => loop.stop());
  loop.run();
  assert.equal(loop.watchCount, 0);
  other[Symbol.dispose]();
});
