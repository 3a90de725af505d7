/** Machines that doctor examines: emulated ones, and such as are made up. */
import assert from "node:assert/strict";
import { SyscallError } from "../../../ffi/error.ts";
import type { OwnedFd } from "../../../ffi/fd.ts";
import { EACCES } from "../../../ffi/errno.ts";
import { socketPair } from "../../../ffi/unix_socket.ts";
import { examine } from "../../../src/programs/doctor/doctor.ts";
import { reportText } from "../../../src/cli/doctor_text.ts";
import type { Report } from "../../../src/programs/doctor/report.ts";
import { plainStyle } from "../../../src/cli/help.ts";
import { Loop } from "../../../src/loop/loop.ts";
import type { DeviceSystem } from "../../../src/virtgpu/find/find_device.ts";
import { EmulatedDevice } from "../../emulator/emulated_device.ts";
import { hostProfile } from "../../emulator/host_profile.ts";
import { Machine, type MachineOptions } from "../../emulator/machine.ts";
import { type Globals, ScriptedHost } from "../../support/scripted_host.ts";
import { usualGlobals } from "../../support/relay_world.ts";
import { makeScratch } from "../../support/scratch.ts";

const XR24 = 0x34325258;

export interface Examination {
  readonly verdict: Report["verdict"];
  /** Subjects of the lines that say what is missing. */
  readonly missing: readonly string[];
  readonly text: string;
}

export function assertPrinted(
  { text }: Examination,
  lines: readonly string[],
): void {
  for (const line of lines) {
    assert.ok(text.includes(line), `${line} is not in\n${text}`);
  }
}

/** Fails unless nothing is missing for applications over virtio-gpu. */
export function assertUsable({ missing, verdict }: Examination): void {
  assert.deepEqual(missing, []);
  assert.equal(verdict, "over virtio-gpu");
}

/**
 * A machine to be examined. Compositors have said all that they will say before
 * anybody asks.
 */
export class ExaminedMachine implements Disposable {
  readonly loop: Loop;
  readonly environment = new Map<string, string>();
  /** How often somebody has connected to the host. */
  connections = 0;
  readonly #resources = new DisposableStack();

  constructor() {
    this.loop = this.#resources.use(new Loop());
    const { path } = this.#resources.use(makeScratch("doctor"));
    this.environment.set("XDG_RUNTIME_DIR", path);
  }

  compositor(
    globals: Globals | "silent",
    modifier = 0,
    callbacks: readonly number[] = [],
  ): OwnedFd {
    const [ours, theirs] = socketPair();
    const peer = this.#resources.use(new ScriptedHost(theirs));
    this.connections++;
    if (globals === "silent") return ours;
    for (const [name, type, version] of globals) {
      const values = { name, interface: type, version };
      peer.say(2, "wl_registry.global", values);
    }
    peer.say(3, "wl_callback.done", { "callback_data": 0 });
    if (globals.some(([, name]) => name === "zwp_linux_dmabuf_v1")) {
      peer.say(5, "zwp_linux_dmabuf_v1.modifier", {
        format: XR24,
        "modifier_hi": 0,
        "modifier_lo": modifier,
      });
    }
    for (const id of callbacks) {
      peer.say(id, "wl_callback.done", { "callback_data": 0 });
    }
    // what a client that shows a window would wait for: see example.ts of the
    // device
    peer.say(8, "xdg_surface.configure", { serial: 1 });
    peer.say(12, "wl_callback.done", { "callback_data": 0 });
    return ours;
  }

  offerLocally(globals: Globals | "silent"): void {
    this.environment.set(
      "WAYLAND_SOCKET",
      String(this.compositor(globals).release()),
    );
  }

  /** A machine with an emulated device as its only node. */
  emulate(
    options: Partial<MachineOptions> = {},
    globals: Globals | "silent" = usualGlobals,
  ): DeviceSystem {
    const machine = this.#resources.use(
      new Machine({
        loop: this.loop,
        profile: hostProfile("0.1.85", "stock"),
        connect: () => this.compositor(globals),
        ...options,
      }),
    );
    return { ...noDevice, nodeNames, open: () => new EmulatedDevice(machine) };
  }

  examine(
    devices: DeviceSystem,
    kernelRelease = "6.1.0-56-amd64",
  ): Examination {
    const { loop, environment } = this;
    const report = examine({
      loop,
      environment,
      kernelRelease,
      devices,
      patienceMilliseconds: 300,
    });
    const missing = report.sections.flatMap(({ findings }) => findings)
      .filter(({ state }) => state === "missing")
      .map(({ subject }) => subject);
    const text = reportText(report, plainStyle);
    return { verdict: report.verdict, missing, text };
  }

  [Symbol.dispose](): void {
    this.#resources.dispose();
  }
}

/** Of one device. */
export const nodeNames = (): string[] => ["by-path", "card0", "renderD128"];

/** Of several devices. */
export const twoNodes =
  (): string[] => ["card0", "card1", "renderD128", "renderD129"];

export const noDevice: DeviceSystem = {
  nodeNames: () => [],
  pathOf: (name) => `/dev/dri/${name}`,
  open: (path) => {
    throw new SyscallError(`open ${path}`, EACCES);
  },
  openersOf: () => ({ kind: "group", name: "render" }),
  driverBehind: () => null,
  hardware: () => "absent",
};

/** The same, with a virtio-gpu behind its nodes, which may not be opened. */
export const forbidden: DeviceSystem = {
  ...noDevice,
  nodeNames,
  driverBehind: () => "virtio_gpu",
  hardware: () => "driven",
};
