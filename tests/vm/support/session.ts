/** A guest with the proxy in it, and compositors that take turns behind its device. */
import { programEnvironment } from "../../applications/program.ts";
import type { TestProcess } from "../../support/process.ts";
import { requireExecutable } from "../../support/proxy.ts";
import { makeScratch } from "../../support/scratch.ts";
import { delay } from "../../support/wait.ts";
import { startWeston, type Weston } from "../../support/weston.ts";
import { type Engine, type Guest, quoted, startGuest } from "./guest.ts";

/** Where the proxy listens, in the guest. */
const DISPLAY = "/run/wayferry-display";
/** Where programs of the guest have their sockets, which the shared folder cannot have. */
const RUNTIME = "/run/home";
const PROXY_LOG = "/run/wayferry.log";
const PROXY_PID = "/run/wayferry.pid";
/** The executable, in the guest's memory. */
export const EXECUTABLE = "/run/wayferry";

/** What the guest and its proxy hold. */
export interface Holdings {
  /** Lines of the kernel's list of host-visible memory that is in use. */
  readonly memory: string;
  readonly descriptors: number;
}

/** The guest, its proxy, and the host's compositor of the moment. */
export class GuestSession implements AsyncDisposable {
  readonly guest: Guest;
  readonly engine: Engine;
  readonly #link: string;
  readonly #resources: AsyncDisposableStack;

  constructor(
    guest: Guest,
    engine: Engine,
    link: string,
    resources: AsyncDisposableStack,
  ) {
    this.guest = guest;
    this.engine = engine;
    this.#link = link;
    this.#resources = resources;
  }

  /** A new compositor, to which all connections go that are made from now on. */
  async startHost(): Promise<Weston> {
    const weston = await startWeston();
    pointTo(this.#link, weston.waylandDisplay);
    return weston;
  }

  /** Takes the compositor away for all connections that are made from now on. */
  loseHost(): void {
    pointTo(this.#link, `${this.#link}.nowhere`);
  }

  /** A home folder for programs, which has the same path here and in the guest. */
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
   * The same, with what the home folder has here. It is copied: programs make sockets there and map files, for which a folder that
   * is shared with the host is no place.
   */
  scriptInHome(
    argv: readonly string[],
    more: Readonly<Record<string, string>> = {},
  ): string {
    const { home } = this;
    return `rm -rf ${home} && cp -r /share/home ${home} && ${
      this.script(argv, more)
    }`;
  }

  /** Starts a program of the guest. */
  start(argv: readonly string[]): TestProcess {
    return this.guest.start(this.script(argv));
  }

  /** Starts the proxy, and waits until it listens. */
  async startProxy(): Promise<void> {
    await this.guest.must(
      `mkdir -p ${RUNTIME} && chmod 700 ${RUNTIME} && mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
      ${EXECUTABLE} proxy --virtio-gpu --wayland-display=${DISPLAY} >${PROXY_LOG} 2>&1 </dev/null &
      echo $! >${PROXY_PID}
      for i in $(seq 300); do [ -S ${DISPLAY} ] && exit 0; sleep 0.1; done; cat ${PROXY_LOG}; exit 1`,
    );
  }

  /** What the proxy has written. */
  async proxyLog(): Promise<string> {
    return await this.guest.must(`cat ${PROXY_LOG}`);
  }

  /** Ends the proxy as a service manager would. @returns its log, and whether its socket is still there */
  async endProxy(): Promise<{ log: string; left: string }> {
    const left = await this.guest.must(
      `kill -TERM $(cat ${PROXY_PID}); for i in $(seq 100); do [ -d /proc/$(cat ${PROXY_PID}) ] || break; sleep 0.1; done
      ls -d /proc/$(cat ${PROXY_PID}) ${DISPLAY} 2>/dev/null; true`,
    );
    return { log: await this.proxyLog(), left };
  }

  /** What is held, once it is no more than that, or has not become so for a while. */
  async holdings(expected?: Holdings): Promise<Holdings> {
    for (let attempt = 0;; attempt++) {
      const text = await this.guest.must(
        `cat /sys/kernel/debug/dri/0/virtio-gpu-host-visible-mm; echo; ls /proc/$(cat ${PROXY_PID})/fd | wc -l`,
      );
      const memory = /total: \d+, used (\d+)/.exec(text)?.[1] ?? text;
      const descriptors = Number(text.trim().split("\n").at(-1));
      const isDone = expected === undefined ||
        (memory === expected.memory && descriptors <= expected.descriptors);
      if (isDone || attempt === 20) return { memory, descriptors };
      await delay(500);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** Boots a guest, and puts the executable into it. */
export async function startGuestSession(engine: Engine): Promise<GuestSession> {
  const executable = await requireExecutable();
  await using resources = new AsyncDisposableStack();
  const link = `${resources.use(makeScratch("host")).path}/compositor`;
  const first = resources.use(await startWeston());
  pointTo(link, first.waylandDisplay);
  const guest = resources.use(await startGuest(link, engine));
  Deno.copyFileSync(executable, `${guest.share}/wayferry`);
  Deno.mkdirSync(`${guest.share}/home`);
  await guest.must(
    `cp /share/wayferry ${EXECUTABLE} && chmod 755 ${EXECUTABLE} && mkdir -p ${guest.share}/home`,
  );
  return new GuestSession(guest, engine, link, resources.move());
}

/** The driver opens the link for each connection anew. */
function pointTo(link: string, socket: string): void {
  const next = `${link}.next`;
  Deno.symlinkSync(socket, next);
  Deno.renameSync(next, link);
}
