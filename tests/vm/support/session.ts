/**
 * A guest with the proxy in it, and compositors that take turns behind its
 * device.
 */
import { programEnvironment } from "../../applications/program.ts";
import type { HostCompositor } from "../../support/host.ts";
import type { TestProcess } from "../../support/process.ts";
import { requireExecutable } from "../../support/proxy.ts";
import { makeScratch } from "../../support/scratch.ts";
import { startSway } from "../../support/sway.ts";
import { delay, eventually, whenReady } from "../../support/wait.ts";
import { startWeston } from "../../support/weston.ts";
import { type Engine, type Guest, quoted, startGuest } from "./guest.ts";
import { STAYS } from "./guest_client.ts";

/** What the guest's kernel tells of host-visible memory. */
const HOST_VISIBLE = "/sys/kernel/debug/dri/0/virtio-gpu-host-visible-mm";
/** Where the proxy listens, in the guest. */
const DISPLAY = "/run/wayferry-display";
/**
 * Where programs of the guest have their sockets, which the shared folder
 * cannot have.
 */
const RUNTIME = "/run/home";
const PROXY_LOG = "/run/wayferry.log";
const PROXY_PID = "/run/wayferry.pid";
/** While it is there memory is watched. */
const WATCHING = "/run/watching";
const SAMPLES = "/run/samples";
const PROGRAM_PID = "/run/program.pid";
/**
 * The tests' own client, and what it imports: copied into the guest, which does
 * not see every folder of this machine.
 */
const CLIENT = "tests/vm/support/guest_client.ts";
const CLIENT_FOLDERS = ["ffi", "tests/support", "tests/vm/support"] as const;
const PROJECT = new URL("../../../", import.meta.url).pathname;
/** The executable, in the guest's memory. */
export const EXECUTABLE = "/run/wayferry";

/** A compositor that the tests can put behind the device. */
export type HostName = "weston" | "sway";

export function startCompositor(name: HostName): Promise<HostCompositor> {
  return name === "sway" ? startSway() : startWeston();
}

/** What the kernel keeps of a program's name, in characters. */
const COMM = 15;

/** What the guest and its proxy hold. */
export interface Holdings {
  /** Bytes of host-visible memory, as the kernel counts them. */
  readonly memory: number;
  /** Pieces of it. */
  readonly pieces: number;
  /** Open files of the proxy. */
  readonly descriptors: number;
  /**
   * Handles of the GPU's objects, of all programs of the guest: what was opened
   * less what was closed.
   */
  readonly handles: number;
  /** KiB of memory of the proxy. */
  readonly resident: number;
}

/** What the proxy opens once and keeps: files that it has copied. */
const LAZY_DESCRIPTORS = 4;

/** What may be held at the end, where so much was held before. */
export function allowed(before: Holdings): Holdings {
  return { ...before, descriptors: before.descriptors + LAZY_DESCRIPTORS };
}

/** Has the kernel count handles. */
const COUNT_HANDLES = `mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
cd /sys/kernel/debug/tracing
for verb in open close; do echo "p:handle_$verb virtio_gpu_gem_object_$verb" >>kprobe_events; done
echo 1 >events/kprobes/enable`;

/** The guest, its proxy, and the host's compositor of the moment. */
export class GuestSession implements AsyncDisposable {
  readonly guest: Guest;
  readonly engine: Engine;
  readonly hostName: HostName;
  readonly #link: string;
  readonly #resources: AsyncDisposableStack;

  constructor(
    guest: Guest,
    engine: Engine,
    hostName: HostName,
    link: string,
    resources: AsyncDisposableStack,
  ) {
    this.guest = guest;
    this.engine = engine;
    this.hostName = hostName;
    this.#link = link;
    this.#resources = resources;
  }

  /**
   * A new compositor, to which all connections go that are made from now on.
   */
  async startHost(): Promise<HostCompositor> {
    const host = await startCompositor(this.hostName);
    pointTo(this.#link, host.waylandDisplay);
    return host;
  }

  /**
   * Takes the compositor away for all connections that are made from now on.
   */
  loseHost(): void {
    pointTo(this.#link, `${this.#link}.nowhere`);
  }

  /**
   * A home folder for programs, which has the same path here and in the guest.
   */
  get home(): string {
    return `${this.guest.share}/home`;
  }

  /** The script that runs a program of the guest as the proxy's client. */
  script(
    argv: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ): string {
    const environment = Object.entries({
      ...programEnvironment(this.home, DISPLAY),
      XDG_RUNTIME_DIR: RUNTIME,
      ...more,
    }).map(([name, value]) => `${name}=${value}`);
    const command = quoted(["env", "-i", ...environment, ...argv]);
    return `cd ${this.home} && exec ${command}`;
  }

  /**
   * The same, with what the home folder has here. It is copied: programs make
   * sockets there and map files, for which a folder that is shared with the
   * host is no place.
   */
  scriptInHome(
    argv: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ): string {
    const { home } = this;
    const script =
      `echo $$ >${PROGRAM_PID}; rm -rf ${home} && cp -r /share/home ${home} && ${
        this.script(argv, more)
      }`;
    return `exec setsid --wait sh -c ${quoted([script])}`;
  }

  /** Asks the program that was started last with `scriptInHome` to end. */
  async endProgram(): Promise<void> {
    await this.guest.must(`kill -TERM $(cat ${PROGRAM_PID}) || true`);
  }

  /** Ends it with all that it has started. */
  async killProgram(): Promise<void> {
    await this.guest.run(`pkill -KILL -s $(cat ${PROGRAM_PID})`);
  }

  start(argv: readonly string[]): TestProcess {
    return this.guest.start(this.script(argv));
  }

  /**
   * Runs the tests' own client in the guest.
   *
   * @returns what it says at its end
   */
  async runClient(
    ...words: readonly (string | number)[]
  ): Promise<string> {
    const output = await this.guest.must(this.#clientScript(words), 1800);
    return output.trim().split("\n").at(-1) ?? "";
  }

  /**
   * Starts the tests' own client, and waits until it does no more than stay.
   */
  async startStayingClient(
    ...words: readonly (string | number)[]
  ): Promise<TestProcess> {
    await this.guest.must(`rm -f ${STAYS}`);
    const client = this.guest.start(this.#clientScript(words));
    return await whenReady(
      client,
      () =>
        eventually("the client stays", 120_000, async () => {
          client.requireRunning();
          const { code } = await this.guest.run(`[ -e ${STAYS} ]`);
          return code === 0 ? true : undefined;
        }),
    );
  }

  async endStayingClient(): Promise<void> {
    await this.guest.must(`rm ${STAYS}`);
  }

  #clientScript(words: readonly (string | number)[]): string {
    return this.script([
      Deno.execPath(),
      "run",
      "--allow-all",
      "--no-check",
      `/share/${CLIENT}`,
      ...words.map(String),
    ]);
  }

  /** Milliseconds for which the proxy has kept processors of the guest busy. */
  async processorTime(): Promise<number> {
    const text = await this.guest.must(`cat /proc/$(cat ${PROXY_PID})/stat`);
    // after the name, which may have blanks, utime and stime are the 12th and
    // 13th, in hundredths of a second
    const fields = text.replace(/^.*\) /, "").split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  /** Starts the proxy, and waits until it listens. */
  async startProxy(): Promise<void> {
    await this.guest.must(
      `mkdir -p ${RUNTIME} && chmod 700 ${RUNTIME}
      ${COUNT_HANDLES}
      cd /
      ${EXECUTABLE} proxy --virtio-gpu --wayland-display=${DISPLAY} >${PROXY_LOG} 2>&1 </dev/null &
      echo $! >${PROXY_PID}
      for i in $(seq 300); do [ -S ${DISPLAY} ] && exit 0; sleep 0.1; done; cat ${PROXY_LOG}; exit 1`,
    );
  }

  /** Ends programs of the guest, by their names. */
  async kill(names: readonly string[]): Promise<void> {
    const list = names.map((name) => name.slice(0, COMM)).join(" ");
    await this.guest.must(`for name in ${list}; do pkill -x $name; done; true`);
  }

  async isRunning(name: string): Promise<boolean> {
    const { code } = await this.guest.run(`pgrep -x ${name.slice(0, COMM)}`);
    return code === 0;
  }

  async proxyLog(): Promise<string> {
    return await this.guest.must(`cat ${PROXY_LOG}`);
  }

  /**
   * Ends the proxy as a service manager would.
   *
   * @returns its log, and whether its socket is still there
   */
  async endProxy(): Promise<{ log: string; left: string }> {
    const left = await this.guest.must(
      `kill -TERM $(cat ${PROXY_PID}); for i in $(seq 100); do [ -d /proc/$(cat ${PROXY_PID}) ] || break; sleep 0.1; done
      ls -d /proc/$(cat ${PROXY_PID}) ${DISPLAY} 2>/dev/null; true`,
    );
    return { log: await this.proxyLog(), left };
  }

  /**
   * Begins to look how much host-visible memory is used.
   *
   * @returns what ends that, and has the bytes of each look
   */
  async watchMemory(): Promise<() => Promise<number[]>> {
    await this.guest.must(
      `touch ${WATCHING}
      (while [ -e ${WATCHING} ]; do sed -n 's/^total:.*, used \\([0-9]*\\).*/\\1/p' ${HOST_VISIBLE}; sleep 0.1; done) >${SAMPLES} 2>&1 &`,
    );
    return async () => {
      const text = await this.guest.must(`rm ${WATCHING}; cat ${SAMPLES}`);
      return text.trim().split("\n").map(Number);
    };
  }

  /**
   * What is held, once it is no more than that, or has not become so for a
   * while.
   */
  async holdings(
    expected?: Pick<Holdings, "memory" | "handles" | "descriptors">,
  ): Promise<Holdings> {
    for (let attempt = 0;; attempt++) {
      const now = await this.#look();
      const isDone = expected === undefined ||
        (now.memory <= expected.memory && now.handles <= expected.handles &&
          now.descriptors <= expected.descriptors);
      if (isDone || attempt === 40) return now;
      await delay(500);
    }
  }

  async #look(): Promise<Holdings> {
    // Lines of memory that is in use end with "used", and a line of totals
    // follows them.
    const text = await this.guest.must(
      `pid=$(cat ${PROXY_PID}); ls /proc/$pid/fd | wc -l; grep VmRSS /proc/$pid/status
      cat /sys/kernel/debug/tracing/kprobe_profile ${HOST_VISIBLE}`,
    );
    const hits = (verb: string): number =>
      Number(new RegExp(`handle_${verb} +(\\d+)`).exec(text)?.[1]);
    return {
      handles: hits("open") - hits("close"),
      descriptors: Number(text.split("\n", 1)[0]),
      resident: Number(/VmRSS:\s*(\d+)/.exec(text)?.[1]),
      memory: Number(/total: \d+, used (\d+)/.exec(text)?.[1]),
      pieces: text.match(/: used$/gm)?.length ?? 0,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** Boots a guest, and puts the executable into it. */
export async function startGuestSession(
  engine: Engine,
  hostName: HostName,
): Promise<GuestSession> {
  const executable = await requireExecutable();
  await using resources = new AsyncDisposableStack();
  const link = `${resources.use(makeScratch("host")).path}/compositor`;
  const first = resources.use(await startCompositor(hostName));
  pointTo(link, first.waylandDisplay);
  const guest = resources.use(await startGuest(link, engine));
  Deno.copyFileSync(executable, `${guest.share}/wayferry`);
  Deno.mkdirSync(`${guest.share}/home`);
  for (const folder of CLIENT_FOLDERS) {
    const target = `${guest.share}/${folder}`;
    Deno.mkdirSync(target, { recursive: true });
    for (const { name } of Deno.readDirSync(PROJECT + folder)) {
      if (name.endsWith(".ts")) {
        Deno.copyFileSync(`${PROJECT}${folder}/${name}`, `${target}/${name}`);
      }
    }
  }
  await guest.must(
    `cp /share/wayferry ${EXECUTABLE} && chmod 755 ${EXECUTABLE} && mkdir -p ${guest.share}/home`,
  );
  return new GuestSession(guest, engine, hostName, link, resources.move());
}

/** The driver opens the link for each connection anew. */
function pointTo(link: string, socket: string): void {
  const next = `${link}.next`;
  Deno.symlinkSync(socket, next);
  Deno.renameSync(next, link);
}
