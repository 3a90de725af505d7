/**
 * Files of the host's compositor that are too large to be copied: they end the
 * client that they are for, with true words, and nobody else.
 */
import assert from "node:assert/strict";
import { closeFd } from "../../ffi/fd.ts";
import { releases } from "../emulator/host_profile.ts";
import { memoryFile } from "../support/descriptors.ts";
import {
  type DeviceClient,
  DeviceWorld,
  type DeviceWorldOptions,
} from "./support/device_world.ts";

const LARGEST = 64 * 1024 * 1024;

/** A client with a keyboard, and another one. */
class KeymapWorld extends DeviceWorld {
  readonly other: DeviceClient;
  readonly typist: DeviceClient;

  constructor(options: DeviceWorldOptions = {}) {
    super(options);
    this.other = this.addReady();
    this.typist = this.addReady();
    this.typist.addKeyboard();
  }

  /** The compositor sends a keymap that is full of zeros. */
  sendKeymap(size: number): void {
    this.typist.host.keymap(4, memoryFile(size), 1);
    this.settle();
  }
}

for (const profile of releases) {
  Deno.test(`${profile.name}: a keymap of more than 64 MiB ends its client, which is told why, and leaves nothing`, () => {
    using world = new KeymapWorld({ profile });
    const before = world.machine.census();
    world.sendKeymap(LARGEST + 1);
    const { client, ended, log } = world.typist;
    const said = new RegExp(
      `keymap has ${LARGEST + 1} bytes, more than the ${LARGEST}`,
    );
    assert.equal(ended, true);
    assert.match(log.join("\n"), said);
    assert.doesNotMatch(log.join("\n"), /internal error/);
    assert.match(client.heard().join("\n"), said);
    assert.deepEqual(client.receivedFds, []);
    assert.deepEqual(world.machine.census(), {
      ...before,
      contexts: before.contexts - 1,
      handles: before.handles / 2,
      resources: before.resources / 2,
      mappings: before.mappings / 2,
    });
    world.other.assertAlive();
  });
}

Deno.test("a keymap of 4 GiB, for which there is no room, ends its client, and nothing of that size is made", () => {
  using world = new KeymapWorld();
  world.faults.windowBytes = 0;
  world.sendKeymap(0xffff_f000);
  assert.equal(world.typist.ended, true);
  assert.match(world.typist.log.join("\n"), /keymap has 4294963200 bytes/);
  world.other.assertAlive();
});

Deno.test("a keymap of 64 MiB is copied", () => {
  using world = new KeymapWorld();
  world.sendKeymap(LARGEST);
  assert.equal(world.typist.ended, false);
  const fd = world.typist.client.takeFd();
  assert.equal(Deno.statSync(`/proc/self/fd/${fd}`).size, LARGEST);
  closeFd(fd);
});
