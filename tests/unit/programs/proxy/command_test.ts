/** The command that the program starts on its display. */

import assert from "node:assert/strict";
import {
  DROP_IN,
  ProgramWorld,
  tellsVariables,
} from "../../../support/program_world.ts";

Deno.test("a command runs on our display, its status changes nothing, and nothing stays behind", async () => {
  using world = new ProgramWorld();
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
  using world = new ProgramWorld();
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
  using world = new ProgramWorld();
  assert.deepEqual(await world.call(DROP_IN, ["--", "no-such-program"]), {
    code: 123,
    stdout: "",
    stderr:
      'wayland-proxy-virtwl: Cannot run "no-such-program": there is no such program\n',
  });
  assert.deepEqual(world.files, []);
});
