/** What the program says to whoever calls it, and how it ends. */

import assert from "node:assert/strict";
import { DROP_IN, ProgramWorld, run } from "../../support/program_world.ts";

Deno.test("wayland-proxy-virtwl complains as cmdliner does, with status 124", async () => {
  using world = new ProgramWorld();
  assert.deepEqual(await world.call(DROP_IN, ["--version"]), {
    code: 124,
    stdout: "",
    stderr:
      "Usage: wayland-proxy-virtwl [--help] [OPTION]… [--] [COMMAND [ARGUMENT]…]\n" +
      "wayland-proxy-virtwl: unknown option '--version'\n",
  });
});

Deno.test("wayferry tells its version, whatever path it is called by", async () => {
  using world = new ProgramWorld();
  for (const name of ["wayferry", "/nix/store/abc/bin/wayferry"]) {
    const { code, stdout, stderr } = await world.call(name, ["--version"]);
    assert.match(stdout, /^wayferry \d+\.\d+\.\d+\n$/);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  }
});

Deno.test("wayferry complains with a way out, with status 124", async () => {
  using world = new ProgramWorld();
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
  using world = new ProgramWorld();
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
      new RegExp(`^${name}: --x-display: X11 is not supported in this version`),
    );
  }
  assert.deepEqual(world.files, []);
});

Deno.test("a reader that goes away does not make help fail", async () => {
  using world = new ProgramWorld();
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
