/** The program as a service manager starts it, with sockets handed over. */

import assert from "node:assert/strict";
import { O_CREAT, O_RDWR, openFile, type OwnedFd } from "../../../../ffi/fd.ts";
import { spawn } from "../../../../ffi/spawn.ts";
import { connectUnix, listenUnix } from "../../../../ffi/unix_socket.ts";
import { type ChildExit, watchChild } from "../../../../src/loop/children.ts";
import { Loop } from "../../../../src/loop/loop.ts";
import {
  DROP_IN,
  ProgramWorld,
  run,
  tellsVariables,
} from "../../../support/program_world.ts";
import { makeScratch } from "../../../support/scratch.ts";

/**
 * Runs the program to its end as a service manager would that hands over these
 * sockets, on descriptors 3 and following.
 */
function activate(
  world: ProgramWorld,
  sockets: readonly OwnedFd[],
  variables: Readonly<Record<string, string>>,
  args: readonly string[],
): { exit: ChildExit; output: string } {
  using loop = new Loop();
  using logs = makeScratch("program-log");
  const log = `${logs.path}/log`;
  using output = openFile(log, O_CREAT | O_RDWR);
  const exits: ChildExit[] = [];
  const { pidfd } = spawn({
    argv: ["bash", "-c", `export LISTEN_PID=$$; ${run}`, DROP_IN, ...args],
    environment: world.environment({
      LISTEN_FDS: String(sockets.length),
      LOG: log,
      ...variables,
    }),
    fds: new Map([
      [1, output.number],
      [2, output.number],
      ...sockets.map((socket, index) => [3 + index, socket.number] as const),
    ]),
  });
  using _watch = watchChild(loop, pidfd, (exit) => {
    exits.push(exit);
    loop.stop();
  });
  loop.run();
  return { exit: exits[0] ?? { code: -1 }, output: Deno.readTextFileSync(log) };
}

Deno.test("a socket that is handed over is served, and stays", () => {
  using world = new ProgramWorld();
  using socket = listenUnix(`${world.folder}/activated`, 5);
  assert.deepEqual(
    activate(world, [socket], { LISTEN_FDNAMES: "wayland" }, [
      "--",
      "sh",
      "-c",
      `echo $WAYLAND_DISPLAY; ${tellsVariables}`,
    ]),
    {
      exit: { code: 0 },
      output:
        `${world.folder}/activated\n${world.folder}/activated|unset|unset|${
          Deno.env.get("HOME")
        }\n`,
    },
  );
  assert.deepEqual(world.files, ["activated"]);
});

Deno.test("a client that waited for a socket to be handed over is taken", () => {
  using world = new ProgramWorld();
  using socket = listenUnix(`${world.folder}/activated`, 5);
  using _client = connectUnix(`${world.folder}/activated`);
  const waits = 'until grep -q "turned away" "$LOG"; do sleep 0.05; done';
  const { exit } = activate(world, [socket], { LISTEN_FDNAMES: "wayland" }, [
    "--",
    "sh",
    "-c",
    waits,
  ]);
  assert.deepEqual(exit, { code: 0 });
});

const refusedActivations: [
  what: string,
  names: string[],
  args: string[],
  message: string,
][] = [
  ["a display of one's own beside a socket that is handed over", ["wayland"], [
    "--wayland-display=wayland-1",
  ], "--wayland-display cannot be used with socket activation"],
  [
    "a socket for X clients that are not served",
    ["wayland", "x11"],
    [],
    "x11 socket passed, but no --x-display option set",
  ],
];

for (const [what, names, args, message] of refusedActivations) {
  Deno.test(`${what}: refused with status 123`, () => {
    using world = new ProgramWorld();
    using sockets = new DisposableStack();
    const listeners = names.map((_, index) =>
      sockets.use(listenUnix(`${world.folder}/${index}`, 5))
    );
    assert.deepEqual(
      activate(world, listeners, { LISTEN_FDNAMES: names.join(":") }, [
        ...args,
        "--",
        "echo",
        "ran",
      ]),
      { exit: { code: 123 }, output: `wayland-proxy-virtwl: ${message}\n` },
    );
  });
}

Deno.test("a descriptor that is handed over and is no listening socket is refused", () => {
  using world = new ProgramWorld();
  using file = openFile("/dev/null", O_RDWR);
  assert.deepEqual(activate(world, [file], { LISTEN_FDNAMES: "wayland" }, []), {
    exit: { code: 123 },
    output:
      'wayland-proxy-virtwl: Activated with a "wayland" socket that is not a listening Unix socket ' +
      "(file descriptor 3)\n",
  });
});
