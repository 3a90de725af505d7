/** Running the application. */

import assert from "node:assert/strict";
import type { ChildExit } from "../../../../src/loop/children.ts";
import { Loop } from "../../../../src/loop/loop.ts";
import {
  applicationEnvironment,
  describeExit,
  runApplication,
} from "../../../../src/programs/proxy/child_command.ts";
import { makeScratch } from "../../../support/scratch.ts";

Deno.test("an application gets our display, and nothing that belongs to us alone", () => {
  const ours = {
    HOME: "/home/me",
    WAYLAND_DISPLAY: "wayland-0",
    WAYLAND_SOCKET: "5",
    LISTEN_PID: "1",
    LISTEN_FDS: "1",
    LISTEN_FDNAMES: "wayland",
    WAYLAND_DEBUG: "client",
  };
  assert.deepEqual(applicationEnvironment(ours, "wayland-1"), {
    HOME: "/home/me",
    WAYLAND_DISPLAY: "wayland-1",
    WAYLAND_DEBUG: "client",
  });
});

function runToEnd(script: string): ChildExit {
  using loop = new Loop();
  const exits: ChildExit[] = [];
  using _child = runApplication(loop, ["sh", "-c", script], {
    PATH: "/usr/bin:/bin",
  }, (exit) => {
    exits.push(exit);
    loop.stop();
  });
  loop.run();
  assert.equal(exits.length, 1);
  return exits[0] ?? { code: -1 };
}

Deno.test("the end of an application is told, with its status", () => {
  assert.equal(describeExit(runToEnd("exit 7")), "exited with status 7");
});

Deno.test("the end of an application is told, with the signal that killed it", () => {
  assert.equal(
    describeExit(runToEnd("kill -SEGV $$")),
    "was killed by SIGSEGV",
  );
});

Deno.test("a program that does not exist is told", () => {
  using loop = new Loop();
  assert.throws(
    () => runApplication(loop, ["no-such-program-here"], {}, () => {}),
    {
      name: "StartupError",
      message: 'Cannot run "no-such-program-here": there is no such program',
    },
  );
});

Deno.test("a program that may not be executed is told", () => {
  using loop = new Loop();
  using scratch = makeScratch("command");
  Deno.writeTextFileSync(`${scratch.path}/program`, "", { mode: 0o644 });
  assert.throws(
    () => runApplication(loop, [`${scratch.path}/program`], {}, () => {}),
    /it may not be executed/,
  );
});
