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
import { type DeviceClient, DeviceWorld } from "./support/device_world.ts";
import { noise } from "./support/selections.ts";

const GAMMA_MANAGER = "zwlr_gamma_control_manager_v1";
const CREATOR = "wp_image_description_creator_icc_v1";
const TOO_LARGE = 64 * 1024 * 1024 + 1;

/**
 * What is wrong with a file, how to make one of the kind, the code of a
 * profile's error, and what is said.
 */
interface Mistake {
  readonly name: string;
  make(): OwnedFd;
  readonly code: number;
  readonly said: string;
}

const mistakes: readonly Mistake[] = [
  {
    name: "an empty file",
    make: () => createMemfd("empty", 0),
    code: 3,
    said: "has 0 bytes",
  },
  {
    name: "a file of more than 64 MiB",
    make: () => createMemfd("large", TOO_LARGE),
    code: 3,
    said: `has ${TOO_LARGE} bytes`,
  },
  {
    name: "a pipe",
    make: () => {
      const { reader, writer } = createPipe();
      writer[Symbol.dispose]();
      return reader;
    },
    code: 2,
    said: "is not a file",
  },
  {
    name: "a directory",
    make: () => openFile("/", O_RDONLY),
    code: 2,
    said: "is not a file",
  },
];

class CopyWorld extends DeviceWorld {
  readonly other: DeviceClient;
  readonly giver: DeviceClient;

  constructor() {
    super({ allow: [GAMMA_MANAGER] });
    this.other = this.addReady();
    this.giver = this.addReady([
      [9, GAMMA_MANAGER, 1],
      [10, "wp_color_manager_v1", 1],
    ]);
  }

  giveGamma(file: OwnedFd): void {
    const { giver } = this;
    giver.bind(9, GAMMA_MANAGER, 1, 3);
    giver.bind(6, "wl_output", 4, 4);
    const control = { id: 5, output: 4 };
    giver.client.say(3, `${GAMMA_MANAGER}.get_gamma_control`, control);
    giver.forget();
    giver.client.say(5, "zwlr_gamma_control_v1.set_gamma", {
      fd: file.release(),
    });
    this.settle();
  }

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
  world.other.assertAlive();
});

Deno.test("the host gets a copy of a colour profile", () => {
  using world = new CopyWorld();
  const profile = noise(5000);
  world.giveProfile(fileOf(profile), profile.length);
  assert.deepEqual(world.giver.host.heard(), [
    `${CREATOR}@4.set_icc_file(fd, 0, 5000)`,
  ]);
  assertReceived(world.giver, profile);
  world.other.assertAlive();
});

for (const { name, make, code, said } of mistakes) {
  Deno.test(`${name} instead of a gamma table ends the client that gave it`, () => {
    using world = new CopyWorld();
    world.giveGamma(make());
    assert.equal(world.giver.ended, true);
    const words = `the application's gamma ${said}`;
    assert.ok(world.giver.log.join("\n").includes(words));
    assert.ok(world.giver.client.heard().join("\n").includes(words));
    assert.deepEqual(world.giver.host.heard(), []);
    world.other.assertAlive();
  });

  Deno.test(`${name} instead of a colour profile is refused with the protocol's error`, () => {
    using world = new CopyWorld();
    const file = make();
    const { size } = Deno.statSync(`/proc/self/fd/${file.number}`);
    world.giveProfile(file, size);
    assert.equal(world.giver.ended, true);
    const refused = new RegExp(`error\\(${CREATOR}@4, ${code}, ".*${said}`);
    assert.match(world.giver.client.heard().join("\n"), refused);
    assert.deepEqual(world.giver.host.heard(), []);
    world.other.assertAlive();
  });
}
