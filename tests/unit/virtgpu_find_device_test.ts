/** Looking for the device where the kernel's nodes cannot even be listed. */
import assert from "node:assert/strict";
import { examine } from "../../src/cli/doctor.ts";
import { reportText } from "../../src/cli/doctor_report.ts";
import { plainStyle } from "../../src/cli/help.ts";
import { Loop } from "../../src/loop/loop.ts";
import {
  findNode,
  kernelSystem,
  NoDeviceError,
  searchDevices,
} from "../../src/virtgpu/find_device.ts";
import { makeScratch } from "../support/scratch.ts";

Deno.test("where the nodes' directory is missing there is no device", () => {
  using scratch = makeScratch("nodes");
  assert.throws(
    () => findNode(kernelSystem(`${scratch.path}/dri`)),
    (error) =>
      error instanceof NoDeviceError && / virtio-gpu.*\(node\)/.test(
        error.message,
      ),
  );
});

Deno.test("a file in the place of the nodes' directory is told, and may hide a device", () => {
  using scratch = makeScratch("nodes");
  const path = `${scratch.path}/dri`;
  Deno.writeTextFileSync(path, "");
  const system = kernelSystem(path);
  const words =
    `${path} is no directory; remove it, and let udev or devtmpfs make the device nodes`;
  assert.throws(
    () => findNode(system),
    (error) =>
      error instanceof NoDeviceError && error.message === `${words} (node)`,
  );
  const { findings, hasDevice } = searchDevices(system);
  assert.deepEqual(findings, [{
    state: "missing",
    subject: "node",
    text: words,
  }]);
  assert.ok(hasDevice);
});

Deno.test("a directory of nodes that goes in circles is told", () => {
  using scratch = makeScratch("nodes");
  const path = `${scratch.path}/dri`;
  Deno.symlinkSync("dri", path);
  assert.throws(
    () => findNode(kernelSystem(path)),
    (error) =>
      error instanceof NoDeviceError &&
      error.message.startsWith(`${path} cannot be listed: Too many levels`),
  );
});

Deno.test("doctor says the same words, as its node line", () => {
  using scratch = makeScratch("nodes");
  const path = `${scratch.path}/dri`;
  Deno.writeTextFileSync(path, "");
  using loop = new Loop();
  const report = examine({
    loop,
    environment: new Map([["XDG_RUNTIME_DIR", scratch.path]]),
    kernelRelease: "6.1.0",
    devices: kernelSystem(path),
    patienceMilliseconds: 1,
  });
  assert.equal(report.verdict, "not at all");
  assert.match(
    reportText(report, plainStyle),
    /^ *MISSING +node: .*\/dri is no directory; remove it/m,
  );
});

/** A program that looks for a device in a directory, as somebody to whom permissions apply. */
async function findWithoutPrivileges(directory: string): Promise<string> {
  const module = new URL(
    "../../src/virtgpu/find_device.ts",
    import.meta.url,
  );
  const program = `
    import { findNode, kernelSystem, NoDeviceError } from ${
    JSON.stringify(module)
  };
    try {
      findNode(kernelSystem(Deno.args[0]));
    } catch (error) {
      console.log(error instanceof NoDeviceError ? error.message : error);
    }`;
  const isRoot = Deno.uid() === 0;
  const setpriv = ["--bounding-set=-dac_override,-dac_read_search", "--"];
  const deno = [Deno.execPath(), "eval", "--no-check", program, directory];
  const [command = "", ...args] = isRoot
    ? ["setpriv", ...setpriv, ...deno]
    : deno;
  const { stdout, stderr } = await new Deno.Command(command, { args }).output();
  const decoder = new TextDecoder();
  return decoder.decode(stdout) + decoder.decode(stderr);
}

Deno.test("a directory of nodes that this user may not list is told, with what to do", async () => {
  using scratch = makeScratch("nodes");
  const path = `${scratch.path}/dri`;
  Deno.mkdirSync(path, { mode: 0 });
  assert.equal(
    await findWithoutPrivileges(path),
    `${path} may not be listed by this user; let everybody do that (chmod 0755 ${path}) (node)\n`,
  );
});
