/**
 * How many connections a machine bears, counted over all proxies that it has,
 * and what a proxy makes of a device that it cannot open.
 */
import assert from "node:assert/strict";
import {
  EACCES,
  EMFILE,
  ENFILE,
  ENODEV,
  ENOENT,
  ENOMEM,
  errnoName,
} from "../../ffi/errno.ts";
import { SyscallError } from "../../ffi/error.ts";
import {
  MAX_CLIENTS,
  NoPlaceError,
  VirtgpuHost,
} from "../../src/host/virtgpu/host.ts";
import type { VirtgpuDevice } from "../../src/virtgpu/device.ts";
import { examineNode } from "../../src/virtgpu/find/find_device.ts";
import { EmulatedDevice } from "../emulator/emulated_device.ts";
import { ScriptedMachine } from "./support/scripted_machine.ts";

/** A machine, and how often a proxy of it has looked for the device. */
class ManyProxies extends ScriptedMachine {
  searches = 0;
  readonly #proxies: VirtgpuHost[] = [];

  proxy(
    open: () => VirtgpuDevice = () => new EmulatedDevice(this.machine),
  ): VirtgpuHost {
    const proxy = new VirtgpuHost(this.loop, {
      find: () => {
        this.searches++;
        using device = new EmulatedDevice(this.machine);
        return examineNode(device);
      },
      open,
    });
    this.#proxies.push(proxy);
    return proxy;
  }

  override [Symbol.dispose](): void {
    for (const proxy of this.#proxies) proxy[Symbol.dispose]();
    super[Symbol.dispose]();
  }
}

Deno.test("two proxies of one machine have as many connections as one", () => {
  using world = new ManyProxies();
  const [one, other] = [world.proxy(), world.proxy()];
  using clients = new DisposableStack();
  const first = one.connect();
  for (let i = 1; i < MAX_CLIENTS; i++) {
    clients.use((i < 25 ? one : other).connect());
  }
  for (const proxy of [one, other]) {
    assert.throws(
      () => proxy.connect(),
      (error) =>
        error instanceof NoPlaceError &&
        /renderD128.* already has 40 connections, the maximum for all proxies/
          .test(
            error.message,
          ),
    );
  }
  assert.equal(world.machine.contexts.size, MAX_CLIENTS);
  first[Symbol.dispose]();
  clients.use(other.connect());
  assert.throws(() => one.connect(), NoPlaceError);
  assert.equal(world.searches, 2, "the device is where it was");
});

for (
  const [errno, searches] of [
    [EMFILE, 1],
    [ENFILE, 1],
    [ENOMEM, 1],
    [ENOENT, 2],
    [EACCES, 2],
    [ENODEV, 2],
  ] as const
) {
  Deno.test(`a device that cannot be opened for ${errnoName(errno)} is ${searches === 1 ? "not " : ""}looked for again`, () => {
    using world = new ManyProxies();
    let fails = true;
    const proxy = world.proxy(() => {
      if (fails) throw new SyscallError("open the node", errno);
      return new EmulatedDevice(world.machine);
    });
    assert.throws(() => proxy.connect(), SyscallError);
    fails = false;
    using _client = proxy.connect();
    assert.equal(world.searches, searches);
  });
}
