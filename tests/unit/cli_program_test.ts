/** The program as its callers see it: what it prints, how it ends, what it leaves behind. */

import assert from "node:assert/strict";
import { O_CREAT, O_RDWR, openFile, type OwnedFd } from "../../ffi/fd.ts";
import { spawn } from "../../ffi/spawn.ts";
import { connectUnix, listenUnix } from "../../ffi/unix_socket.ts";
import { type ChildExit, watchChild } from "../../src/loop/children.ts";
import { Loop } from "../../src/loop/loop.ts";
import { TestProcess } from "../support/process.ts";
import { makeScratch } from "../support/scratch.ts";
import { eventually } from "../support/wait.ts";

const main = new URL("../../main.ts", import.meta.url).pathname;
const DROP_IN = "wayland-proxy-virtwl";

/** `deno run main.ts` under another name; `$0` is the name, and the arguments follow. */
const run = `exec -a "$0" ${Deno.execPath()} run -A ${main} "$@"`;

/** An empty runtime directory, and the program in it. */
class World implements Disposable {
  readonly folder: string;
  readonly #resources = new DisposableStack();

  constructor() {
    this.folder = this.#resources.use(makeScratch("program")).path;
  }

  get files(): string[] {
    return [...Deno.readDirSync(this.folder)].map(({ name }) => name).sort();
  }

  environment(
    more: Readonly<Record<string, string>> = {},
  ): Record<string, string> {
    return {
      PATH: Deno.env.get("PATH") ?? "/usr/bin:/bin",
      HOME: Deno.env.get("HOME") ?? "/",
      NO_COLOR: "1",
      XDG_RUNTIME_DIR: this.folder,
      WAYLAND_DISPLAY: "wayland-0",
      ...more,
    };
  }

  /** Runs the program to its end. `script` starts it: `run` by default. */
  async call(
    name: string,
    args: readonly string[],
    { script = run, more = {} }: {
      script?: string;
      more?: Record<string, string>;
    } = {},
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      args: ["-c", script, name, ...args],
      env: this.environment(more),
      clearEnv: true,
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return {
      code,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    };
  }

  /** Starts the program, and waits for its socket. */
  async serve(
    name: string,
    args: readonly string[],
    display: string,
  ): Promise<TestProcess> {
    const logs = this.#resources.use(makeScratch("program-log"));
    const process = new TestProcess(["bash", "-c", run, name, ...args], {
      environment: this.environment(),
      logPath: `${logs.path}/log`,
    });
    await eventually("the proxy listens", 20_000, () => {
      process.requireRunning();
      return this.files.includes(display) ? true : undefined;
    });
    return process;
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}

Deno.test("wayland-proxy-virtwl complains as cmdliner does, with status 124", async () => {
  using world = new World();
  assert.deepEqual(await world.call(DROP_IN, ["--version"]), {
    code: 124,
    stdout: "",
    stderr:
      "Usage: wayland-proxy-virtwl [--help] [OPTION]… [--] [COMMAND [ARGUMENT]…]\n" +
      "wayland-proxy-virtwl: unknown option '--version'\n",
  });
});

Deno.test("wayferry tells its version, whatever path it is called by", async () => {
  using world = new World();
  for (const name of ["wayferry", "/nix/store/abc/bin/wayferry"]) {
    const { code, stdout, stderr } = await world.call(name, ["--version"]);
    assert.match(stdout, /^wayferry \d+\.\d+\.\d+\n$/);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  }
});

Deno.test("wayferry complains with a way out, with status 124", async () => {
  using world = new World();
  const { code, stderr } = await world.call("wayferry", [
    "proxy",
    "--deny=wl_data_device",
  ]);
  assert.equal(code, 124);
  assert.match(
    stderr,
    /^wayferry: option '--deny': unknown global 'wl_data_device'. Did you mean 'wl_data_device_manager'\?\n/,
  );
});

Deno.test("what this version does not have is told: --x-display", async () => {
  using world = new World();
  for (
    const [name, first] of [[DROP_IN, []], ["wayferry", ["proxy"]]] as const
  ) {
    const { code, stdout, stderr } = await world.call(name, [
      ...first,
      "--x-display=0",
      "--",
      "echo",
      "ran",
    ]);
    assert.equal(code, 123);
    assert.equal(stdout, "");
    assert.match(
      stderr,
      new RegExp(`^${name}: --x-display: this version does not have`),
    );
  }
  assert.deepEqual(world.files, []);
});

/** Whether this machine has a GPU, of which the tests do not know what it can do. */
const hasGpu = (() => {
  try {
    return [...Deno.readDirSync("/dev/dri")].length > 0;
  } catch {
    return false;
  }
})();

Deno.test({
  name:
    "without a virtio-gpu the proxy warns, serves, and refuses each client for the same reason; doctor says the same words",
  ignore: hasGpu,
  fn: async () => {
    using world = new World();
    const words = "this machine has no virtio-gpu; start the VM with one";
    await using proxy = await world.serve("wayferry", [
      "proxy",
      "--virtio-gpu",
      "--wayland-display=guest",
    ], "guest");
    assert.ok(proxy.log().includes(words), proxy.log());
    for (let client = 0; client < 2; client++) {
      const refusal = await eventually(
        "the client is refused",
        5000,
        async () => {
          using connection = await Deno.connect({
            transport: "unix",
            path: `${world.folder}/guest`,
          });
          return await new Response(connection.readable).text();
        },
      );
      assert.ok(refusal.includes(words), refusal);
    }
    assert.equal(proxy.log().split("turned away, the host").length, 3);
    const { code, stdout } = await world.call("wayferry", ["doctor"]);
    assert.equal(code, 123);
    assert.ok(stdout.includes(words), stdout);
    assert.match(stdout, /^No application would run/m);
  },
});

const tellsVariables =
  'echo "$WAYLAND_DISPLAY|${WAYLAND_SOCKET-unset}|${LISTEN_FDS-unset}|$HOME"; exit 7';

Deno.test("a command runs on our display, its status changes nothing, and nothing stays behind", async () => {
  using world = new World();
  for (
    const args of [["--", "sh", "-c", tellsVariables], [
      "--verbose",
      "sh",
      "--",
      "-c",
      tellsVariables,
    ]]
  ) {
    const { code, stdout, stderr } = await world.call(DROP_IN, args, {
      more: { WAYLAND_SOCKET: "" },
    });
    assert.equal(stdout, `wayland-1|unset|unset|${Deno.env.get("HOME")}\n`);
    assert.equal(code, 0);
    if (args[0] === "--verbose") {
      assert.match(
        stderr,
        /Application process ended \(exited with status 7\)/,
      );
    } else assert.equal(stderr, "");
  }
  assert.deepEqual(world.files, []);
});

Deno.test("a command inherits the standard streams, and no other descriptor", async () => {
  using world = new World();
  const { stdout } = await world.call("wayferry", [
    "proxy",
    "--",
    "ls",
    "/proc/self/fd",
  ]);
  // 3 is ls's own.
  assert.equal(stdout, "0\n1\n2\n3\n");
});

Deno.test("a command that does not exist is told, with status 123, and nothing stays behind", async () => {
  using world = new World();
  assert.deepEqual(await world.call(DROP_IN, ["--", "no-such-program"]), {
    code: 123,
    stdout: "",
    stderr:
      'wayland-proxy-virtwl: Cannot run "no-such-program": there is no such program\n',
  });
  assert.deepEqual(world.files, []);
});

Deno.test("a display in use is told in the original's words, with status 123", async () => {
  using world = new World();
  await using _first = await world.serve(DROP_IN, [], "wayland-1");
  assert.deepEqual(await world.call(DROP_IN, ["--", "echo", "ran"]), {
    code: 123,
    stdout: "",
    stderr:
      `wayland-proxy-virtwl: A server is already listening on "${world.folder}/wayland-1"!\n`,
  });
});

Deno.test("wayferry gives way to a display in use", async () => {
  using world = new World();
  await using _first = await world.serve("wayferry", ["proxy"], "wayland-1");
  const { code, stdout } = await world.call("wayferry", [
    "proxy",
    "--",
    "sh",
    "-c",
    "echo $WAYLAND_DISPLAY",
  ]);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "wayland-2\n" });
});

Deno.test("the host's own display is not served, whether or not the host runs", async () => {
  using world = new World();
  const gone = await world.call(DROP_IN, ["--wayland-display=wayland-0"]);
  assert.equal(gone.code, 123);
  assert.match(gone.stderr, /that is the host compositor's socket/);
  assert.deepEqual(world.files, []);
  using _host = listenUnix(`${world.folder}/wayland-0`, 5);
  const running = await world.call(DROP_IN, ["--wayland-display=wayland-0"]);
  assert.equal(running.code, 123);
  assert.match(
    running.stderr,
    /A server is already listening on ".*\/wayland-0"!/,
  );
});

Deno.test("with --virtio-gpu the display that WAYLAND_DISPLAY names is not the host's", async () => {
  using world = new World();
  const { code, stdout } = await world.call(DROP_IN, [
    "--virtio-gpu",
    "--wayland-display=wayland-0",
    "--",
    "sh",
    "-c",
    'echo "$WAYLAND_DISPLAY"',
  ]);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "wayland-0\n" });
});

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  Deno.test(`${signal} ends the proxy well: no socket, lock file or pipe stays, and the log ring is saved`, async () => {
    using world = new World();
    const ring = `${world.folder}/ring.log`;
    await using process = await world.serve(
      DROP_IN,
      [
        "--verbose",
        `--log-ring-path=${ring}`,
        "--wayland-display",
        "wayland-5",
      ],
      "wayland-5-ctl",
    );
    assert.deepEqual(world.files, [
      "wayland-5",
      "wayland-5-ctl",
      "wayland-5.lock",
    ]);
    process.signal(signal);
    assert.equal(await process.end(10_000), 0, process.log());
    assert.deepEqual(world.files, ["ring.log"]);
    assert.match(Deno.readTextFileSync(ring), new RegExp(`Ending: ${signal}`));
    assert.equal(process.log(), "");
  });
}

Deno.test("SIGTERM ends the command, too", async () => {
  using world = new World();
  const pidFile = `${world.folder}/pid`;
  await using process = await world.serve(
    "wayferry",
    [
      "proxy",
      "--",
      "sh",
      "-c",
      `echo $$ >${pidFile}.new; mv ${pidFile}.new ${pidFile}; exec sleep 1000`,
    ],
    "pid",
  );
  const pid = Deno.readTextFileSync(pidFile).trim();
  process.signal("SIGTERM");
  assert.equal(await process.end(10_000), 0, process.log());
  await eventually("the command has ended", 10_000, () => {
    try {
      return Deno.readTextFileSync(`/proc/${pid}/stat`).includes(") Z ")
        ? true
        : undefined;
    } catch {
      return true;
    }
  });
});

Deno.test("what a killed proxy left behind does not keep the next one from its display", async () => {
  using world = new World();
  await using killed = await world.serve(DROP_IN, [], "wayland-1");
  killed.signal("SIGKILL");
  assert.equal(await killed.end(10_000), "SIGKILL");
  assert.deepEqual(world.files, ["wayland-1", "wayland-1.lock"]);
  const { code, stdout } = await world.call(DROP_IN, [
    "--",
    "sh",
    "-c",
    "echo $WAYLAND_DISPLAY",
  ]);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "wayland-1\n" });
  assert.deepEqual(world.files, []);
});

Deno.test("a client is turned away where there is no host, and the proxy goes on", async () => {
  using world = new World();
  await using process = await world.serve(DROP_IN, [], "wayland-1");
  for (let attempt = 0; attempt < 2; attempt++) {
    using client = await Deno.connect({
      transport: "unix",
      path: `${world.folder}/wayland-1`,
    });
    assert.match(
      await new Response(client.readable).text(),
      /the host cannot be reached: .*wayland-0/,
    );
  }
  process.requireRunning();
  assert.match(
    process.log(),
    /wl-proxy WARNING: .*\[\d+\]: turned away, the host cannot be reached: .*wayland-0.*No such file/,
  );
});

/** Runs the program to its end as a service manager would that hands over these sockets, on descriptors 3 and following. */
function activate(
  world: World,
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
  using world = new World();
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
  using world = new World();
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

const refusedActivations: {
  what: string;
  names: string[];
  args: string[];
  message: string;
}[] = [
  {
    what: "a display of one's own beside a socket that is handed over",
    names: ["wayland"],
    args: ["--wayland-display=wayland-1"],
    message: "--wayland-display cannot be used with socket activation",
  },
  {
    what: "a socket for X clients that are not served",
    names: ["wayland", "x11"],
    args: [],
    message: "x11 socket passed, but no --x-display option set",
  },
  {
    what: "two sockets of one name",
    names: ["wayland", "wayland"],
    args: [],
    message: 'Multiple sockets named "wayland" from service manager!',
  },
  {
    what: "a socket with another name",
    names: ["wayland", "dbus"],
    args: [],
    message: 'Unexpected extra sockets "dbus" from service manager',
  },
];

for (const { what, names, args, message } of refusedActivations) {
  Deno.test(`${what}: refused with status 123`, () => {
    using world = new World();
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
  using world = new World();
  using file = openFile("/dev/null", O_RDWR);
  assert.deepEqual(activate(world, [file], { LISTEN_FDNAMES: "wayland" }, []), {
    exit: { code: 123 },
    output:
      'wayland-proxy-virtwl: Activated with a "wayland" socket that is no listening Unix socket ' +
      "(file descriptor 3)\n",
  });
});

Deno.test("a reader that goes away does not make help fail", async () => {
  using world = new World();
  for (
    const script of [
      `${run} | head -1; exit \${PIPESTATUS[0]}`,
      `${run} >&-`,
      `${run} >&- 2>&-`,
    ]
  ) {
    const subshell = script.replace(run, `(${run})`);
    const { code, stderr } = await world.call("wayferry", ["help", "proxy"], {
      script: subshell,
    });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" }, script);
  }
});
