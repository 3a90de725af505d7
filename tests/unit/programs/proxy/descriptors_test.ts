/**
 * The program where file descriptors have run out: nobody but those who come at
 * that moment notices, and not for long.
 */

import assert from "node:assert/strict";

import { duplicateFd, OwnedFd } from "../../../../ffi/fd.ts";
import {
  acceptUnix,
  connectUnix,
  listenUnix,
} from "../../../../ffi/unix_socket.ts";
import { ScriptedClient } from "../../../support/scripted_client.ts";
import { ScriptedHost } from "../../../support/scripted_host.ts";
import { hasGpu, ProgramWorld } from "../../../support/program_world.ts";
import type { TestProcess } from "../../../support/process.ts";
import { eventually } from "../../../support/wait.ts";

const PATIENCE = 20_000;

/**
 * Lets a process open so many descriptors, and no more, those that it has open
 * apart.
 */
async function leaveFree({ pid }: TestProcess, free: number): Promise<void> {
  const open = new Set(openFds(pid));
  let limit = 0;
  for (let left = free; left > 0 || open.has(limit); limit++) {
    if (!open.has(limit)) left--;
  }
  await limitDescriptors(pid, limit);
}

function openFds(pid: number): number[] {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) =>
    Number(name)
  );
}

/**
 * Sets the limit of another process; the one up to which it may be raised
 * stays.
 */
async function limitDescriptors(pid: number, limit: number): Promise<void> {
  const { success } = await new Deno.Command("prlimit", {
    args: [`--pid=${pid}`, `--nofile=${limit}:`],
  }).output();
  assert.ok(success);
}

/** A compositor that greets whoever connects. */
class Host implements Disposable {
  readonly #listener: OwnedFd;
  readonly peers: ScriptedHost[] = [];

  constructor(path: string) {
    this.#listener = listenUnix(path, 64);
  }

  /** Does what there is to do: greets, and answers. */
  attend(): void {
    for (;;) {
      const fd = acceptUnix(this.#listener.number);
      if (fd < 0) break;
      this.peers.push(new ScriptedHost(new OwnedFd(fd)));
    }
    for (const peer of this.peers) {
      const heard = peer.heard();
      if (peer.closed) continue;
      if (heard.some((line) => line.includes("get_registry"))) {
        peer.announce(1, "wl_compositor", 6);
      }
      peer.answerSyncs(heard, 7);
    }
  }

  [Symbol.dispose](): void {
    for (const peer of this.peers) peer[Symbol.dispose]();
    this.#listener[Symbol.dispose]();
  }
}

/** A proxy on this machine, between a compositor of ours and clients. */
class ServedProxy implements AsyncDisposable {
  readonly host: Host;
  readonly proxy: TestProcess;
  readonly #world: ProgramWorld;
  readonly #resources: AsyncDisposableStack;

  private constructor(
    world: ProgramWorld,
    host: Host,
    proxy: TestProcess,
    resources: AsyncDisposableStack,
  ) {
    this.#world = world;
    this.host = host;
    this.proxy = proxy;
    this.#resources = resources;
  }

  static async open(): Promise<ServedProxy> {
    await using resources = new AsyncDisposableStack();
    const world = resources.use(new ProgramWorld());
    const host = resources.use(new Host(`${world.folder}/wayland-0`));
    const proxy = resources.use(
      await world.serve("wayferry", [
        "proxy",
        "--wayland-display=served",
      ], "served"),
    );
    return new ServedProxy(world, host, proxy, resources.move());
  }

  connect(): ScriptedClient {
    const socket = connectUnix(`${this.#world.folder}/served`);
    return this.#resources.use(new ScriptedClient(socket));
  }

  /** Waits until something is so, the compositor attending meanwhile. */
  async until(what: string, probe: () => boolean): Promise<void> {
    await eventually(what, PATIENCE, () => {
      this.proxy.requireRunning();
      this.host.attend();
      return probe() ? true : undefined;
    });
  }

  /** Has the client ask for something that only the compositor can answer. */
  async answered(client: ScriptedClient, id: number): Promise<void> {
    client.say(1, "wl_display.sync", { callback: id });
    await this.until(
      "the client has its answer",
      () => client.heard().join().includes(`wl_callback@${id}.done`),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }
}

/** More than the test needs of the proxy. */
const PLENTY = 512;

Deno.test("clients that take all descriptors do not end the others, and when they have gone new ones are served", async () => {
  await using scene = await ServedProxy.open();
  const { proxy } = scene;
  const client = scene.connect();
  await scene.answered(client, 2);

  await leaveFree(proxy, 7);
  const idle = Array.from({ length: 8 }, () => scene.connect());
  await scene.until(
    "clients have to wait",
    () => /turned away.*EMFILE|have to wait: Too many/.test(proxy.log()),
  );
  await scene.answered(client, 3);

  for (const one of idle) one[Symbol.dispose]();
  await scene.answered(scene.connect(), 2);
  await scene.answered(client, 4);
});

Deno.test("a client that sends descriptors without end takes them from those who come, and not from those who are there", async () => {
  await using scene = await ServedProxy.open();
  const { proxy } = scene;
  const client = scene.connect();
  const hoarder = scene.connect();
  await scene.answered(client, 2);
  await scene.answered(hoarder, 2);

  const free = 5;
  await leaveFree(proxy, free);
  // the beginning of a message, which keeps them waiting
  const planes = Array.from(
    { length: free },
    () => duplicateFd(0).release(),
  );
  const before = openFds(proxy.pid).length;
  hoarder.bytes(new Uint8Array(4), planes);
  await scene.until(
    "the proxy has them all",
    () => openFds(proxy.pid).length >= before + free,
  );
  const late = scene.connect();
  await scene.until(
    "new clients have to wait",
    () => proxy.log().includes("New clients have to wait: Too many open files"),
  );
  await scene.answered(client, 3);

  hoarder[Symbol.dispose]();
  await scene.answered(late, 2);
  await scene.answered(client, 4);
});

Deno.test({
  name:
    "without descriptors to look for a virtio-gpu clients are told so, and later the usual reason",
  ignore: hasGpu(),
  fn: async () => {
    using world = new ProgramWorld();
    await using proxy = await world.serve("wayferry", [
      "proxy",
      "--virtio-gpu",
      "--wayland-display=guest",
    ], "guest");
    const refusal = (): Promise<string> => world.lastWords("guest");
    const usual = /this machine has no virtio-gpu|no driver for it/;
    assert.match(await refusal(), usual);
    for (let free = 1; free < 5; free++) {
      await leaveFree(proxy, free);
      const text = await refusal();
      if (free === 1) {
        assert.match(text, /cannot list \/dev\/dri: Too many open files/);
      }
      proxy.requireRunning();
    }
    await limitDescriptors(proxy.pid, PLENTY);
    assert.match(await refusal(), usual);
  },
});
