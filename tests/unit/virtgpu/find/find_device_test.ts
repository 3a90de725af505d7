/** Looking for the device where the kernel's nodes cannot even be listed. */
import assert from "node:assert/strict";
import { examine } from "../../../../src/programs/doctor/doctor.ts";
import { reportText } from "../../../../src/cli/doctor_text.ts";
import { plainStyle } from "../../../../src/cli/help.ts";
import { Loop } from "../../../../src/loop/loop.ts";
import {
  findNode,
  kernelSystem,
  NoDeviceError,
  searchDevices,
} from "../../../../src/virtgpu/find/find_device.ts";
import { missing } from "../../../../src/virtgpu/find/finding.ts";
import type { VirtgpuHardware } from "../../../../src/virtgpu/find/hardware.ts";
import { makeScratch } from "../../../support/scratch.ts";

Deno.test("where the nodes' directory is missing there is no device", () => {
  using scratch = makeScratch("nodes");
  assert.throws(
    () => findNode(kernelSystem(`${scratch.path}/dri`)),
    { name: "NoDeviceError", message: / virtio-gpu.*\(node\)/ },
  );
});

Deno.test("a file in the place of the nodes' directory is told, and may hide a device", () => {
  using scratch = makeScratch("nodes");
  const path = `${scratch.path}/dri`;
  Deno.writeTextFileSync(path, "");
  const system = kernelSystem(path, `${scratch.path}/sys`);
  const words =
    `${path} is not a directory; remove it, and let udev or devtmpfs create the device nodes`;
  assert.throws(
    () => findNode(system),
    { name: "NoDeviceError", message: `${words} (node)` },
  );
  assert.deepEqual(searchDevices(system).findings, [missing("node", words)]);
  const about = (hardware: VirtgpuHardware): readonly string[] =>
    searchDevices({ ...system, hardware: () => hardware }).findings.map((
      { state, text },
    ) => `${state} ${text.slice(0, text.indexOf(";"))}`);
  const unlisted = `${path} is not a directory`;
  assert.deepEqual(about("driven"), [`missing ${unlisted}`]);
  assert.deepEqual(about("without driver"), [
    "missing this machine has a virtio-gpu, but no driver for it",
    `missing ${unlisted}`,
  ]);
  assert.deepEqual(about("absent"), [
    `noted ${unlisted}`,
    "missing this machine has no virtio-gpu",
  ]);
});

Deno.test("a directory of nodes that goes in circles is told", () => {
  using scratch = makeScratch("nodes");
  const path = `${scratch.path}/dri`;
  Deno.symlinkSync("dri", path);
  assert.throws(
    () => findNode(kernelSystem(path, `${scratch.path}/sys`)),
    (error) =>
      error instanceof NoDeviceError &&
      error.message.startsWith(`cannot list ${path}: Too many levels`),
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
    devices: kernelSystem(path, `${scratch.path}/sys`),
    patienceMilliseconds: 1,
  });
  assert.equal(report.verdict, "not at all");
  assert.match(
    reportText(report, plainStyle),
    /^ *MISSING +node: .*\/dri is not a directory; remove it/m,
  );
});

/**
 * A program that looks for a device in a directory, as somebody to whom
 * permissions apply.
 */
async function findWithoutPrivileges(directory: string): Promise<string> {
  const module = new URL(
    "../../../../src/virtgpu/find/find_device.ts",
    import.meta.url,
  );
  const program = `
    import { findNode, kernelSystem, NoDeviceError } from ${
    JSON.stringify(module)
  };
    try {
      findNode(kernelSystem(Deno.args[0], Deno.args[0] + "-sys"));
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
    `this user may not list ${path}; allow it for everybody (chmod 0755 ${path}) (node)\n`,
  );
});

Deno.test("a node in a directory that this user may not enter is told, with what to do", async () => {
  using scratch = makeScratch("nodes");
  const path = `${scratch.path}/dri`;
  Deno.mkdirSync(path);
  Deno.writeTextFileSync(`${path}/renderD128`, "");
  Deno.chmodSync(path, 0o444);
  assert.equal(
    await findWithoutPrivileges(path),
    `this user may not open ${path}/renderD128, because the directory ${path} is closed to this user; open it for everybody (chmod 0755 ${path}) (node)\n`,
  );
  Deno.chmodSync(path, 0o755);
});

Deno.test("a file in the place of a node is told", () => {
  using scratch = makeScratch("nodes");
  const path = `${scratch.path}/renderD128`;
  Deno.writeTextFileSync(path, "");
  assert.throws(
    () => findNode(kernelSystem(scratch.path, `${scratch.path}/sys`)),
    (error) =>
      error instanceof NoDeviceError &&
      error.message.startsWith(
        `${path} is not the device node of a GPU; remove it`,
      ),
  );
});
