/**
 * A scripted client, our relay and a scripted host in one process, turn by
 * turn.
 */
import assert from "node:assert/strict";
import { socketPair } from "../../ffi/unix_socket.ts";
import { LocalSocket } from "../../src/host/local/socket.ts";
import type { MessageTrace } from "../../src/log/trace.ts";
import { Policy } from "../../src/policy/policy.ts";
import type { Feature } from "../../src/relay/feature.ts";
import { CopyStatistics } from "../../src/relay/features/backing/copy_statistics.ts";
import { standardFeatures } from "../../src/relay/features/standard.ts";
import { Relay, relayFeatures } from "../../src/relay/relay.ts";
import { ManualLoop } from "./manual_loop.ts";
import { type Differences, OtherEndpoint } from "./other_endpoint.ts";
import { ScriptedClient } from "./scripted_client.ts";
import { type Globals, ScriptedHost } from "./scripted_host.ts";

/** How a scenario's world differs from the usual one. */
export interface RelayWorldOptions {
  readonly tag?: string;
  readonly statistics?: CopyStatistics;
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  readonly features?: readonly Feature[];
  readonly trace?: MessageTrace;
  /** How the host's endpoint differs from a socket. */
  readonly host?: Differences;
  /** The loop of others as well; it must be closed after this world. */
  readonly loop?: ManualLoop;
}

/** Globals that most scenarios need, as the host names them. */
export const usualGlobals: Globals = [
  [1, "wl_compositor", 6],
  [2, "wl_shm", 1],
  [3, "wl_seat", 8],
  [4, "wl_data_device_manager", 3],
  [5, "xdg_wm_base", 5],
  [6, "wl_output", 4],
];

/** The world of one client. The client's `wl_registry` is its object 2. */
export class RelayWorld implements Disposable {
  readonly loop: ManualLoop;
  readonly client: ScriptedClient;
  readonly host: ScriptedHost;
  readonly relay: Relay;
  /** What the relay said to the log. */
  readonly log: string[] = [];
  /** How often the relay said that it ended. */
  ends = 0;
  readonly #ownsLoop: boolean;

  constructor(options: RelayWorldOptions = {}) {
    this.loop = options.loop ?? new ManualLoop();
    this.#ownsLoop = options.loop === undefined;
    const [clientFd, clientEnd] = socketPair();
    const [hostEnd, hostFd] = socketPair();
    const settle = (): void => this.settle();
    const clientIds = (hostId: number): number =>
      this.relay.objects.host.get(hostId)?.clientId ?? 0;
    this.client = new ScriptedClient(clientFd, settle);
    this.host = new ScriptedHost(hostFd, clientIds, settle);
    const policy = new Policy({
      allow: options.allow ?? [],
      deny: options.deny ?? [],
    });
    const features = relayFeatures([
      ...(options.features ?? []),
      ...standardFeatures({
        tag: options.tag ?? "",
        statistics: options.statistics ?? new CopyStatistics(),
      }),
    ]);
    const host = new LocalSocket(this.loop, hostEnd);
    this.relay = new Relay(
      { loop: this.loop, policy, features, memory: { burst: () => {} } },
      new LocalSocket(this.loop, clientEnd),
      options.host === undefined ? host : new OtherEndpoint(host, options.host),
      {
        warning: (text) => this.log.push(text),
        info: (text) => this.log.push(text),
      },
      options.trace ?? null,
      () => this.ends++,
    );
  }

  /**
   * A world whose host has told its globals, and whose client has a registry.
   */
  static ready(
    options: RelayWorldOptions = {},
    globals: Globals = usualGlobals,
  ): RelayWorld {
    const world = new RelayWorld(options);
    world.host.greet(globals);
    world.client.getRegistry(2);
    world.forget();
    return world;
  }

  /** The same, and the client has a compositor (3) and a surface (4). */
  static withSurface(options: RelayWorldOptions = {}): RelayWorld {
    const world = RelayWorld.ready(options);
    world.bind(1, "wl_compositor", 6, 3);
    world.client.createSurface(4);
    world.forget();
    return world;
  }

  /** The same, and the surface is a window, whose toplevel is 7. */
  static withWindow(options: RelayWorldOptions = {}): RelayWorld {
    const world = RelayWorld.withSurface(options);
    world.bind(5, "xdg_wm_base", 5, 5);
    world.client.getToplevel(5, 4, 6, 7);
    world.forget();
    return world;
  }

  /** A ready world whose client has `wl_shm` (3). */
  static withShm(): RelayWorld {
    const world = RelayWorld.ready();
    world.bind(2, "wl_shm", 1, 3);
    world.forget();
    return world;
  }

  /**
   * A ready world whose client has a `wl_data_device_manager` (3), a seat (4)
   * and a data device (5).
   */
  static withDataDevice(options: RelayWorldOptions = {}): RelayWorld {
    const world = RelayWorld.ready(options);
    world.bind(4, "wl_data_device_manager", 3, 3);
    world.bind(3, "wl_seat", 8, 4);
    world.client.getDataDevice(3, 5, 4);
    world.forget();
    return world;
  }

  get ended(): boolean {
    return this.ends > 0;
  }

  /** Binds a global under the client's id. */
  bind(name: number, type: string, version: number, id: number): void {
    this.client.bind(name, type, version, id);
    this.settle();
  }

  /**
   * Lets the clock run on when nothing happens any more; timers run in their
   * order, and both peers listen after each.
   */
  pass(milliseconds: number): void {
    this.settle();
    this.loop.pass(milliseconds, () => this.settle());
    this.settle();
  }

  /** Fails unless exactly these lines are in the log. */
  mustLog(...lines: readonly string[]): void {
    assert.deepEqual(this.log, lines);
  }

  /** Fails unless the log, from its first line on, matches. */
  logMustMatch(pattern: RegExp): void {
    assert.match(this.log.join("\n"), pattern);
  }

  /** Throws away what was heard so far. */
  forget(): void {
    this.settle();
    this.client.heard();
    this.host.heard();
  }

  /** Turns until nothing happens any more, both peers having listened. */
  settle(): void {
    do {
      this.client.listen();
      this.host.listen();
    } while (this.loop.turn(0) > 0);
    this.client.listen();
    this.host.listen();
  }

  [Symbol.dispose](): void {
    this.relay[Symbol.dispose]();
    this.client[Symbol.dispose]();
    this.host[Symbol.dispose]();
    while (this.loop.turn(0) > 0);
    if (this.#ownsLoop) this.loop[Symbol.dispose]();
  }
}
