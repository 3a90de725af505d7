/**
 * The program while it serves a display: what it makes, to whom it gives way,
 * and what it leaves behind.
 */

import assert from "node:assert/strict";
import { listenUnix } from "../../../../ffi/unix_socket.ts";
import {
  DROP_IN,
  hasGpu,
  ProgramWorld,
} from "../../../support/program_world.ts";
import type { TestProcess } from "../../../support/process.ts";
import { eventually } from "../../../support/wait.ts";

/** A command that tells its display. */
const tellsDisplay = ["--", "sh", "-c", "echo $WAYLAND_DISPLAY"];

/**
 * Waits until a program's log has this: what it does may be seen from outside
 * before that is written.
 */
async function logged(process: TestProcess, what: RegExp): Promise<void> {
  await eventually(`the log has ${what}`, 20_000, () => {
    process.requireRunning();
    return what.test(process.log()) ? true : undefined;
  });
}

Deno.test({
  name:
    "without a virtio-gpu the proxy warns, serves, and refuses each client for the same reason; doctor says the same words",
  ignore: hasGpu(),
  fn: async () => {
    using world = new ProgramWorld();
    const words =
      "this machine has no virtio-gpu; start the VM with a virtio-gpu";
    await using proxy = await world.serve("wayferry", [
      "proxy",
      "--virtio-gpu",
      "--wayland-display=guest",
    ], "guest");
    await logged(proxy, new RegExp(`  wayferry WARNING: .*${words}`));
    for (let client = 0; client < 2; client++) {
      const refusal = await world.lastWords("guest");
      assert.ok(refusal.includes(words), refusal);
    }
    await logged(proxy, /turned away, the host[^]*turned away, the host/);
    const { code, stdout } = await world.call("wayferry", ["doctor"]);
    assert.equal(code, 123);
    assert.ok(stdout.includes(words), stdout);
    assert.match(stdout, /^No application would run/m);
  },
});

Deno.test("a display in use is told in the original's words, with status 123", async () => {
  using world = new ProgramWorld();
  await using _first = await world.serve(DROP_IN, [], "wayland-1");
  assert.deepEqual(await world.call(DROP_IN, ["--", "echo", "ran"]), {
    code: 123,
    stdout: "",
    stderr:
      `wayland-proxy-virtwl: A server is already listening on "${world.folder}/wayland-1"!\n`,
  });
});

Deno.test("wayferry gives way to a display in use", async () => {
  using world = new ProgramWorld();
  await using _first = await world.serve("wayferry", ["proxy"], "wayland-1");
  const { code, stdout } = await world.call("wayferry", [
    "proxy",
    ...tellsDisplay,
  ]);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "wayland-2\n" });
});

Deno.test("the host's own display is not served, whether or not the host runs", async () => {
  using world = new ProgramWorld();
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
  using world = new ProgramWorld();
  const { code, stdout } = await world.call(DROP_IN, [
    "--virtio-gpu",
    "--wayland-display=wayland-0",
    ...tellsDisplay,
  ]);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "wayland-0\n" });
});

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  Deno.test(`${signal} ends the proxy well: no socket, lock file or pipe stays, and the log ring is saved`, async () => {
    using world = new ProgramWorld();
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
    assert.match(
      Deno.readTextFileSync(ring),
      new RegExp(`Stopping because of ${signal}`),
    );
    assert.equal(process.log(), "");
  });
}

Deno.test("SIGTERM ends the command, too", async () => {
  using world = new ProgramWorld();
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
  using world = new ProgramWorld();
  await using killed = await world.serve(DROP_IN, [], "wayland-1");
  killed.signal("SIGKILL");
  assert.equal(await killed.end(10_000), "SIGKILL");
  assert.deepEqual(world.files, ["wayland-1", "wayland-1.lock"]);
  const { code, stdout } = await world.call(DROP_IN, tellsDisplay);
  assert.deepEqual({ code, stdout }, { code: 0, stdout: "wayland-1\n" });
  assert.deepEqual(world.files, []);
});

Deno.test("a client is turned away where there is no host, and the proxy goes on", async () => {
  using world = new ProgramWorld();
  await using process = await world.serve(DROP_IN, [], "wayland-1");
  for (let attempt = 0; attempt < 2; attempt++) {
    assert.match(
      await world.lastWords("wayland-1"),
      /the host cannot be reached: .*wayland-0/,
    );
  }
  await logged(
    process,
    /wl-proxy WARNING: .*\[\d+\]: turned away, the host cannot be reached: .*wayland-0.*No such file/,
  );
});
