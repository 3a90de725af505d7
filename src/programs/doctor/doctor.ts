/**
 * `wayferry doctor`: what this machine has and lacks for showing applications,
 * and where they would be shown.
 *
 * It goes the way of a client as far as it can without one: it looks for the
 * device, connects, asks the compositor for its globals, and, over virtio-gpu,
 * shows a small window for a moment.
 */
import { SyscallError } from "../../../ffi/error.ts";
import { OwnedFd, setNonBlocking } from "../../../ffi/fd.ts";
import { connectUnix } from "../../../ffi/unix_socket.ts";
import type { Endpoint } from "../../host/endpoint.ts";
import { LocalSocket } from "../../host/local/mod.ts";
import { RegistryProbe } from "../../host/registry_probe.ts";
import { NoPlaceError, VirtgpuHost } from "../../host/virtgpu/mod.ts";
import type { Loop } from "../../loop/loop.ts";
import { Policy } from "../../policy/policy.ts";
import type { Environment } from "../../sockets/environment.ts";
import { hostAddress } from "../../sockets/host_address.ts";
import { StartupError } from "../../sockets/startup_error.ts";
import { openChannel } from "../../virtgpu/channel.ts";
import { ProbeWindow } from "../../virtgpu/probe/mod.ts";
import {
  type DeviceSystem,
  type Finding,
  missing,
  noted,
  present,
  reasonsOf,
  searchDevices,
  type UsableNode,
} from "../../virtgpu/find/mod.ts";
import { Wakeups } from "../../virtgpu/wakeups.ts";
import { globalFindings, imageFindings } from "./globals.ts";
import {
  kernelFinding,
  runtimeDirectoryFinding,
  xwaylandFinding,
} from "./machine.ts";
import type { Report, Verdict } from "./report.ts";

/** What is looked at. */
export interface Patient {
  readonly loop: Loop;
  readonly environment: Environment;
  /** As uname(2) has it. */
  readonly kernelRelease: string;
  readonly devices: DeviceSystem;
  /** How long a compositor may take to answer, in milliseconds. */
  readonly patienceMilliseconds: number;
}

/** Bytes of host memory that doctor allocates, to see whether there is any. */
const TRIAL_BYTES = 4096;

/** Of the hosts of today (cross_domain.ts). */
const NEWEST_IDENTIFIERS = 28;

/** Looks at everything. */
export function examine(patient: Patient): Report {
  const search = searchDevices(patient.devices);
  const { usable } = search;
  const kernel = kernelFinding(patient.kernelRelease, search.kernel);
  const machine = [
    runtimeDirectoryFinding(patient.environment),
    xwaylandFinding(patient.environment),
  ];
  const compositor = usable === null
    ? localFindings(patient)
    : virtgpuFindings(patient, usable);
  const verdict: Verdict = reasonsOf([...machine, ...compositor]) !== ""
    ? "not at all"
    : usable === null
    ? "on this machine's compositor"
    : "over virtio-gpu";
  const isLocal = verdict === "on this machine's compositor";
  const ofDevice = (findings: readonly Finding[]): readonly Finding[] =>
    isLocal ? findings.map(withoutHarm) : findings;
  return {
    sections: [
      {
        title: "This machine",
        findings: [...ofDevice([kernel]), ...machine],
      },
      { title: "virtio-gpu", findings: ofDevice(search.findings) },
      {
        title: usable === null
          ? "The compositor of this machine, without virtio-gpu"
          : "The compositor of the host",
        findings: compositor,
      },
    ],
    verdict,
    isChoice: usable === null,
  };
}

/** What is lacking, but not needed. */
function withoutHarm({ state, subject, text }: Finding): Finding {
  return state === "missing" ? noted(subject, text) : { state, subject, text };
}

function localFindings(patient: Patient): Finding[] {
  const { loop, environment } = patient;
  const isNamed = ["WAYLAND_SOCKET", "WAYLAND_DISPLAY"].some((name) =>
    (environment.get(name) ?? "") !== ""
  );
  try {
    const address = hostAddress(environment);
    const isPath = address.kind === "path";
    const fd = isPath ? connectUnix(address.path) : new OwnedFd(address.fd);
    setNonBlocking(fd.number);
    using endpoint = new LocalSocket(loop, fd);
    const where = isPath ? address.path : "the inherited WAYLAND_SOCKET";
    return compositorFindings(
      patient,
      endpoint,
      where,
      "check that a compositor is at the other end, and that it is not stopped",
    );
  } catch (error) {
    if (!(error instanceof SyscallError || error instanceof StartupError)) {
      throw error;
    }
    const what = error.message.replace(/\.$/, "");
    const advice = error instanceof StartupError
      ? ""
      : error.code === "EACCES"
      ? "; run this as the user who started the compositor"
      : isNamed
      ? "; start a compositor, or set WAYLAND_DISPLAY to its socket"
      : "; WAYLAND_DISPLAY is not set: start a compositor, or set WAYLAND_DISPLAY to its socket";
    return [missing("compositor", `${what}${advice}`)];
  }
}

function virtgpuFindings(patient: Patient, usable: UsableNode): Finding[] {
  const { loop, devices } = patient;
  using host = new VirtgpuHost(loop, {
    find: () => usable,
    open: (path) => devices.open(path),
  });
  const findings: Finding[] = [];
  try {
    using endpoint = host.connect();
    findings.push(
      ...compositorFindings(
        patient,
        endpoint,
        "the host",
        "check that the compositor runs there and that the VMM was started with its socket, and read the VMM's log",
      ),
    );
    const dialect = endpoint.identifiersPerMessage;
    if (dialect === null) return findings;
    findings.splice(1, 0, dialectFinding(dialect));
    using memory = endpoint.allocate(TRIAL_BYTES);
    findings.push(
      memory === null
        ? missing(
          "host memory",
          "the host gave no memory that this machine can see; close applications, or give the device a larger memory window (QEMU: hostmem=8G)",
        )
        : present("host memory", "can be allocated and written"),
    );
    findings.push(...guestMemoryFindings(patient, host));
    if (reasonsOf(findings) === "") {
      findings.push(windowFinding(patient, usable));
    }
  } catch (error) {
    if (error instanceof NoPlaceError) {
      findings.push(missing("connection", error.message));
    } else if (error instanceof SyscallError) {
      findings.push(missing("connection", `${usable.path}: ${error.message}`));
    } else throw error;
  }
  return findings;
}

function dialectFinding(identifiers: number): Finding {
  const age = identifiers < NEWEST_IDENTIFIERS
    ? ", as on hosts from before February 2024; this works, too"
    : "";
  return present("dialect", `${identifiers} identifiers per message${age}`);
}

/** What became of the trial, where the kernel offers what it tries. */
function guestMemoryFindings(
  patient: Patient,
  { guestMemory }: VirtgpuHost,
): Finding[] {
  const subject = "guest memory";
  waitFor(patient, () => guestMemory.state !== "trying");
  switch (guestMemory.state) {
    case "untried":
    case "unoffered":
      return [];
    case "taken":
      return [
        present(
          subject,
          "the host takes an application's sealed memory without a copy",
        ),
      ];
    case "trying":
    case "undecided":
    case "refused":
      return [
        noted(
          subject,
          "the kernel offers it, but the host does not take it, so the proxy copies it; check that this user may open /dev/udmabuf, and that the VMM has udmabuf",
        ),
      ];
  }
}

/** Asks for the globals. */
function compositorFindings(
  patient: Patient,
  endpoint: Endpoint,
  where: string,
  advice: string,
): Finding[] {
  const started = patient.loop.now;
  const probe = new RegistryProbe(endpoint, () => {});
  waitFor(patient, () => probe.state.kind !== "waiting");
  const { state } = probe;
  switch (state.kind) {
    case "waiting": {
      const seconds = patient.patienceMilliseconds / 1000;
      return [
        missing(
          "compositor",
          `${where} did not answer within ${seconds} s; ${advice}`,
        ),
      ];
    }
    case "failed":
      return [
        missing(
          "compositor",
          `${where} refuses to serve: ${state.reason}; ${advice}`,
        ),
      ];
    case "answered":
      return [
        present(
          "compositor",
          `${where} answered within ${
            Math.ceil(patient.loop.now - started)
          } ms`,
        ),
        ...globalFindings(state.globals, new Policy(), endpoint.carrier),
        ...imageFindings(state.globals, endpoint),
      ];
  }
}

function windowFinding(
  patient: Patient,
  { path, capabilities: { allocatesDmabuf } }: UsableNode,
): Finding {
  const { loop, devices } = patient;
  using wakeups = new Wakeups(loop);
  using shown = new ProbeWindow(
    openChannel(loop, devices.open(path), wakeups),
    allocatesDmabuf ? "dma-bufs" : "files",
  );
  // The window requests the second frame when the first was shown.
  waitFor(patient, () => shown.state === "closed" || shown.frames > 1);
  if (shown.state === "shown") {
    return shown.frames > 1
      ? present("window", "the compositor showed a small test window")
      : noted(
        "window",
        "the compositor took a small test window, but did not show it; the screen may be off or locked",
      );
  }
  return missing(
    "window",
    `the compositor did not take a small test window${
      shown.reason === null ? "" : `: ${shown.reason}`
    }`,
  );
}

function waitFor(
  { loop, patienceMilliseconds }: Patient,
  isDone: () => boolean,
): void {
  let isLate = false;
  using _deadline = loop.after(patienceMilliseconds, () => isLate = true);
  while (!isDone() && !isLate) loop.turn(-1);
}
