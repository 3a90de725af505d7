// What stands between the client and the host: nothing, the C forwarder,
// waypipe, or Wayferry.

import { isPresent } from "../support/files.ts";
import { delay } from "../support/wait.ts";
import { BenchError, Child } from "./child.ts";
import type { Programs } from "./programs.ts";

export const peerNames = [
  "direct",
  "c",
  "waypipe",
  "before",
  "off",
  "ring",
  "verbose",
] as const;

/**
 * `off`, `ring` and `verbose` are Wayferry, by where its log goes; `before` is
 * another build of it, to compare with.
 */
export type PeerName = typeof peerNames[number];

export const peerTitles: Readonly<Record<PeerName, string>> = {
  direct: "direct",
  c: "C forwarder",
  waypipe: "waypipe",
  before: "before",
  off: "Wayferry",
  ring: "ring log",
  verbose: "verbose",
};

/**
 * Where a benchmark lives: its runtime directory, the built programs, the
 * processor that all of it runs on.
 */
export interface Site {
  readonly directory: string;
  readonly programs: Programs;
  readonly cpu: number;
  readonly wayferry: readonly string[];
  /** How to run the other build, where there is one. */
  readonly before?: readonly string[] | undefined;
}

/** A proxy that runs, or the direct connection, which has no processes. */
export class Peer implements AsyncDisposable {
  readonly name: PeerName;
  /** The socket for clients, in the runtime directory. */
  readonly displayName: string;
  readonly #children: readonly Child[];

  constructor(name: PeerName, displayName: string, children: readonly Child[]) {
    this.name = name;
    this.displayName = displayName;
    this.#children = children;
  }

  get pids(): readonly number[] {
    return this.#children.map((child) => child.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children.toReversed()) {
      await child[Symbol.asyncDispose]();
    }
  }
}

/**
 * Starts one of the built programs, which finds sockets in the site's
 * directory.
 */
export function startProgram(site: Site, words: readonly string[]): Child {
  return Child.start(
    {
      words,
      environment: { XDG_RUNTIME_DIR: site.directory },
      stderr: "inherit",
    },
    site.cpu,
  );
}

/** Starts the host and waits until it can be reached. */
export async function startHost(site: Site): Promise<Child> {
  const host = startProgram(site, [site.programs.host, hostName]);
  await host.values("ready");
  return host;
}

const hostName = "host";

/**
 * Starts a peer in front of the running host.
 *
 * @throws {BenchError} when it does not come up
 */
export async function startPeer(name: PeerName, site: Site): Promise<Peer> {
  const path = (socket: string): string => `${site.directory}/${socket}`;
  switch (name) {
    case "direct":
      return new Peer(name, hostName, []);
    case "c":
      return await start(name, site, [[
        site.programs.forwarder,
        path(name),
        path(hostName),
      ]]);
    case "waypipe": {
      const words = [
        "waypipe",
        "--compress",
        "none",
        "--no-gpu",
        "--socket",
        path("waypipe-link"),
      ];
      // `server` ends with the program that it is given, and `cat` ends with
      // our pipe.
      return await start(name, site, [
        [...words, "client"],
        [...words, "--display", name, "server", "--", "cat"],
      ]);
    }
    case "before":
      if (site.before === undefined) {
        throw new BenchError('The peer "before" needs --before');
      }
      return await startWayferry(name, site, [], site.before);
    case "off":
      return await startWayferry(name, site, []);
    case "ring":
      return await startWayferry(name, site, [
        `--log-ring-path=${path("ring.log")}`,
      ]);
    case "verbose":
      return await startWayferry(name, site, ["--verbose"]);
    default:
      return unreachable(name);
  }
}

async function startWayferry(
  name: PeerName,
  site: Site,
  args: readonly string[],
  program = site.wayferry,
): Promise<Peer> {
  const words = [
    ...program,
    "proxy",
    `--wayland-display=${name}`,
    ...args,
  ];
  return await start(name, site, [words]);
}

async function start(
  name: PeerName,
  site: Site,
  commands: readonly (readonly string[])[],
): Promise<Peer> {
  await using undo = new AsyncDisposableStack();
  const children: Child[] = [];
  const sockets = commands.length === 1 ? [name] : ["waypipe-link", name];
  for (const [index, words] of commands.entries()) {
    const child = undo.use(Child.start(
      {
        words,
        environment: {
          XDG_RUNTIME_DIR: site.directory,
          WAYLAND_DISPLAY: hostName,
        },
        // Verbose means verbose; and waypipe complains of every client that
        // leaves.
        stderr: name === "verbose" || name === "waypipe" ? "null" : "inherit",
      },
      site.cpu,
    ));
    await waitForSocket(child, `${site.directory}/${sockets[index] ?? name}`);
    children.push(child);
  }
  undo.move();
  return new Peer(name, name, children);
}

async function waitForSocket(child: Child, path: string): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (isPresent(path)) return;
    if (child.ended) {
      throw new BenchError(`${child.name} ended before it served ${path}`);
    }
    await delay(20);
  }
  throw new BenchError(`${child.name} has not served ${path} within 10 s`);
}

function unreachable(name: never): never {
  throw new Error(`Cannot start ${name}: there is no such peer`);
}
