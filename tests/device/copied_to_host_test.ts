/**
 * Files that an application gives to the host, which gets copies of them: a
 * wrong one ends its application, with true words, and nobody else.
 */
import assert from "node:assert/strict";
import {
  closeFd,
  O_RDONLY,
  openFile,
  type OwnedFd,
  readFdAt,
} from "../../ffi/fd.ts";
import { createMemfd } from "../../ffi/memfd.ts";
import { createPipe } from "../../ffi/pipe.ts";
import { usualGlobals } from "../support/relay_world.ts";
import { type DeviceClient, DeviceWorld } from "./support/device_world.ts";
import { assertServed } from "./support/served.ts";
import { noise } from "./support/selections.ts";

const GAMMA_MANAGER = "zwlr_gamma_control_manager_v1";
const CREATOR = "wp_image_description_creator_icc_v1";
const TOO_LARGE = 64 * 1024 * 1024 + 1;

/**
 * What is wrong with a file, how to make one of the kind, and what is said of
 * it.
 */
interface Mistake {
  readonly name: string;
  make(): OwnedFd;
  /** Said of gamma tables. */
  readonly said: RegExp;
  /** A profile's error: code and words. */
  readonly refused: RegExp;
}

const mistakes: readonly Mistake[] = [
  {
    name: "an empty file",
    make: () => createMemfd("empty", 0),
    said: /the application's gamma has 0 bytes/,
    refused: /error\(wp_image_description_creator_icc_v1@4, 3, ".*0 bytes/,
  },
  {
    name: "a file of more than 64 MiB",
    make: () => createMemfd("large", TOO_LARGE),
    said: new RegExp(`the application's gamma has ${TOO_LARGE} bytes`),
    refused:
      /error\(wp_image_description_creator_icc_v1@4, 3, ".*67108865 bytes/,
  },
  {
    name: "a pipe",
    make: () => {
      const { reader, writer } = createPipe();
      writer[Symbol.dispose]();
      return reader;
    },
    said: /the application's gamma is not a file/,
    refused: /error\(wp_image_description_creator_icc_v1@4, 2, ".*not a file/,
  },
  {
    name: "a directory",
    make: () => openFile("/", O_RDONLY),
    said: /the application's gamma is not a file/,
    refused: /error\(wp_image_description_creator_icc_v1@4, 2, ".*not a file/,
  },
];

class CopyWorld extends DeviceWorld {
  readonly other: DeviceClient;
  readonly giver: DeviceClient;

  constructor() {
    super({ allow: [GAMMA_MANAGER] });
    this.other = this.addReady();
    this.giver = this.addReady([
      ...usualGlobals,
      [9, GAMMA_MANAGER, 1],
      [10, "wp_color_manager_v1", 1],
    ]);
  }

  /** The client sets its screen's gamma table. */
  giveGamma(file: OwnedFd): void {
    const { giver } = this;
    giver.bind(9, GAMMA_MANAGER, 1, 3);
    giver.bind(6, "wl_output", 4, 4);
    giver.client.say(3, `${GAMMA_MANAGER}.get_gamma_control`, {
      id: 5,
      output: 4,
    });
    giver.forget();
    giver.client.say(5, "zwlr_gamma_control_v1.set_gamma", {
      fd: file.release(),
    });
    this.settle();
  }

  /** The client gives a colour profile. */
  giveProfile(file: OwnedFd, length: number): void {
    const { giver } = this;
    giver.bind(10, "wp_color_manager_v1", 1, 3);
    giver.client.say(3, "wp_color_manager_v1.create_icc_creator", { obj: 4 });
    giver.forget();
    giver.client.say(4, `${CREATOR}.set_icc_file`, {
      "icc_profile": file.release(),
      offset: 0,
      length,
    });
    this.settle();
  }
}

/**
 * Fails unless the compositor has received a file that begins with these bytes.
 */
function assertReceived(client: DeviceClient, bytes: Uint8Array): void {
  const fd = client.host.takeFd();
  const received = new Uint8Array(bytes.length);
  assert.equal(readFdAt(fd, received, 0), bytes.length);
  closeFd(fd);
  assert.deepEqual(received, bytes);
}

function fileOf(bytes: Uint8Array): OwnedFd {
  const file = createMemfd("file", bytes.length);
  Deno.writeFileSync(`/proc/self/fd/${file.number}`, bytes);
  return file;
}

Deno.test("the host gets a copy of a gamma table, and nothing of it is left", () => {
  using world = new CopyWorld();
  const before = world.machine.census();
  const table = noise(3 * 2 * 1024);
  world.giveGamma(fileOf(table));
  assert.deepEqual(world.giver.host.heard(), [
    "zwlr_gamma_control_v1@5.set_gamma(fd)",
  ]);
  assertReceived(world.giver, table);
  assert.equal(world.giver.ended, false);
  assert.equal(world.machine.census().handles, before.handles);
  assertServed(world, world.other);
});

Deno.test("the host gets a copy of a colour profile", () => {
  using world = new CopyWorld();
  const profile = noise(5000);
  world.giveProfile(fileOf(profile), profile.length);
  assert.deepEqual(world.giver.host.heard(), [
    `${CREATOR}@4.set_icc_file(fd, 0, 5000)`,
  ]);
  assertReceived(world.giver, profile);
  assertServed(world, world.other);
});

for (const { name, make, said, refused } of mistakes) {
  Deno.test(`${name} instead of a gamma table ends the client that gave it`, () => {
    using world = new CopyWorld();
    world.giveGamma(make());
    assert.equal(world.giver.ended, true);
    assert.match(world.giver.log.join("\n"), said);
    assert.match(world.giver.client.heard().join("\n"), said);
    assert.deepEqual(world.giver.host.heard(), []);
    assertServed(world, world.other);
  });

  Deno.test(`${name} instead of a colour profile is refused with the protocol's error`, () => {
    using world = new CopyWorld();
    const file = make();
    const { size } = Deno.statSync(`/proc/self/fd/${file.number}`);
    world.giveProfile(file, size);
    assert.equal(world.giver.ended, true);
    assert.match(world.giver.client.heard().join("\n"), refused);
    assert.deepEqual(world.giver.host.heard(), []);
    assertServed(world, world.other);
  });
}
