/**
 * Scripted clients, our relays over the real virtio-gpu code, an emulated
 * machine and a scripted compositor: in one process, turn by turn.
 */
import assert from "node:assert/strict";
import { addSeals, createMemfd } from "../../../ffi/memfd.ts";
import { socketPair } from "../../../ffi/unix_socket.ts";
import { LocalSocket } from "../../../src/host/local/socket.ts";
import type { VirtgpuEndpoint } from "../../../src/host/virtgpu/endpoint.ts";
import type { VirtgpuHost } from "../../../src/host/virtgpu/host.ts";
import { Policy } from "../../../src/policy/policy.ts";
import { CopyStatistics } from "../../../src/relay/features/backing/copy_statistics.ts";
import { standardFeatures } from "../../../src/relay/features/standard.ts";
import { Relay, relayFeatures } from "../../../src/relay/relay.ts";
import { EmulatedDevice } from "../../emulator/emulated_device.ts";
import type { HostContext } from "../../emulator/context.ts";
import { ScriptedClient } from "../../support/scripted_client.ts";
import type {
  ClientIds,
  Globals,
  ScriptedHost,
} from "../../support/scripted_host.ts";
import { usualGlobals } from "../../support/relay_world.ts";
import { emulatedHost } from "./emulated_host.ts";
import { ScriptedMachine, type ScriptedOptions } from "./scripted_machine.ts";

/** One client of the world. Its registry is its object 2. */
export class DeviceClient implements Disposable {
  readonly client: ScriptedClient;
  readonly relay: Relay;
  readonly device: EmulatedDevice;
  readonly endpoint: VirtgpuEndpoint;
  /** What the relay said to the log. */
  readonly log: string[] = [];
  ended = false;
  readonly #world: DeviceWorld;
  /** The number of its connection to the machine. */
  readonly index: number;

  constructor(world: DeviceWorld, index: number) {
    this.#world = world;
    this.index = index;
    const [clientFd, clientEnd] = socketPair();
    this.client = new ScriptedClient(clientFd);
    const { loop } = world;
    const opened: EmulatedDevice[] = [];
    this.endpoint = world.connect((device) => opened.push(device));
    const [device] = opened;
    if (device === undefined) throw new Error("no device was opened");
    this.device = device;
    this.relay = new Relay(
      {
        loop,
        policy: world.policy,
        features: world.features,
        memory: { burst: () => {} },
      },
      new LocalSocket(loop, clientEnd),
      this.endpoint,
      {
        warning: (text) => this.log.push(text),
        info: (text) => this.log.push(text),
      },
      null,
      () => this.ended = true,
    );
  }

  get host(): ScriptedHost {
    return this.#world.peer(this.index);
  }

  get context(): HostContext {
    const context = this.#world.machine.contexts.get(this.device.context ?? 0);
    if (context === undefined) throw new Error("the context has ended");
    return context;
  }

  /** Tells the globals, and has the client make its registry. */
  greet(more: Globals = []): void {
    this.#world.settle();
    this.host.greet([...usualGlobals, ...more]);
    this.client.say(1, "wl_display.get_registry", { registry: 2 });
    this.#world.settle();
    this.client.heard();
  }

  bind(name: number, type: string, version: number, id: number): void {
    this.client.bind(name, type, version, id);
    this.#world.settle();
  }

  /** The client has a seat (3) and its keyboard (4). */
  addKeyboard(): void {
    this.bind(3, "wl_seat", 8, 3);
    this.client.say(3, "wl_seat.get_keyboard", { id: 4 });
    this.forget();
  }

  /** Gives the keyboard a keymap. @returns the file that the client gets */
  receiveKeymap(text: string, seals = 0): number {
    const file = createMemfd("keymap", text.length);
    Deno.writeTextFileSync(`/proc/self/fd/${file.number}`, text);
    if (seals !== 0) addSeals(file.number, seals);
    this.host.keymap(4, file.release(), text.length);
    this.#world.settle();
    return this.client.takeFd();
  }

  /** Throws away what was heard so far. */
  forget(): void {
    this.#world.settle();
    this.client.heard();
    this.host.heard();
  }

  /** What the client hears until nothing happens any more. */
  heard(): string[] {
    this.#world.settle();
    return this.client.heard();
  }

  /** What the compositor hears until nothing happens any more. */
  told(): string[] {
    this.#world.settle();
    return this.host.heard();
  }

  /** Closes the connection, as an application that ends. */
  leave(): void {
    this.client[Symbol.dispose]();
    this.#world.settle();
  }

  /** Fails unless the client still speaks with its compositor, both ways. */
  assertAlive(): void {
    this.client.say(1, "wl_display.sync", { callback: this.client.nextId });
    const answers = this.host.answerSyncs(this.told(), 5);
    assert.ok(answers > 0, "the compositor has heard it");
    assert.ok(this.heard().some((line) => line.includes("done(5)")));
    assert.equal(this.ended, false);
    assert.deepEqual(this.#world.machine.violations, []);
  }

  [Symbol.dispose](): void {
    this.relay[Symbol.dispose]();
    this.client[Symbol.dispose]();
  }
}

/** How a world differs from the usual one. */
export interface DeviceWorldOptions extends ScriptedOptions {
  /** Globals that clients see beside the usual ones. */
  readonly allow?: readonly string[];
}

export class DeviceWorld extends ScriptedMachine {
  readonly statistics = new CopyStatistics();
  readonly features = relayFeatures(
    standardFeatures({ tag: "", statistics: this.statistics }),
  );
  readonly clients: DeviceClient[] = [];
  readonly policy: Policy;
  readonly #host: VirtgpuHost;
  #onOpen: (device: EmulatedDevice) => void = () => {};

  constructor({ allow = [], ...options }: DeviceWorldOptions = {}) {
    super(options);
    this.policy = new Policy({ allow, deny: [] });
    this.#host = emulatedHost(this.machine, () => {
      const device = new EmulatedDevice(this.machine);
      this.#onOpen(device);
      return device;
    });
  }

  connect(onOpen: (device: EmulatedDevice) => void): VirtgpuEndpoint {
    this.#onOpen = onOpen;
    return this.#host.connect();
  }

  /** A client whose compositor has said nothing yet. */
  addClient(): DeviceClient {
    const client = new DeviceClient(this, this.peers.length);
    this.clients.push(client);
    return client;
  }

  /**
   * A client that knows the globals: the usual ones, and what its host has
   * beside them.
   */
  addReady(more?: Globals): DeviceClient {
    const client = this.addClient();
    client.greet(more);
    return client;
  }

  /** Turns until nothing happens any more, all peers having listened. */
  override settle(): void {
    do {
      this.#listen();
    } while (this.loop.turn(0) > 0);
    this.#listen();
  }

  protected override clientIds(connection: number): ClientIds {
    return (hostId) => {
      const client = this.clients.find(({ index }) => index === connection);
      return client?.relay.objects.host.get(hostId)?.clientId ?? 0;
    };
  }

  override [Symbol.dispose](): void {
    for (const client of this.clients) client[Symbol.dispose]();
    this.#host[Symbol.dispose]();
    super[Symbol.dispose]();
  }

  #listen(): void {
    for (const { client, ended } of this.clients) if (!ended) client.listen();
    for (const peer of this.peers) if (!peer.closed) peer.listen();
  }
}
