/** Colour profiles of an application, where the host gets copies of files. */
import assert from "node:assert/strict";
import {
  closeFd,
  duplicateFd,
  O_RDONLY,
  O_WRONLY,
  openFile,
  OwnedFd,
  readFdAt,
  writeFd,
} from "../../ffi/fd.ts";
import { libc } from "../../ffi/libc.ts";
import { createMemfd } from "../../ffi/memfd.ts";
import { MAX_LEFT } from "../../src/relay/features/colour_profiles.ts";
import { withFreeDescriptors } from "../support/free_descriptors.ts";
import {
  closesAllDescriptors,
  memoryFile,
  pipeEnd,
} from "../support/descriptors.ts";
import { HostMemoryRoom } from "../support/host_memory.ts";
import type { ScriptedClient } from "../support/scripted_client.ts";
import type { ScriptedHost } from "../support/scripted_host.ts";
import { testWithSilentFile } from "../support/silent_file_test_case.ts";
import { RelayWorld } from "../support/relay_world.ts";

const CREATOR = "wp_image_description_creator_icc_v1";

/** A client with a colour manager (3) and a creator (4). */
class ProfileScene implements Disposable {
  readonly room = new HostMemoryRoom();
  readonly world: RelayWorld;

  get client(): ScriptedClient {
    return this.world.client;
  }

  get host(): ScriptedHost {
    return this.world.host;
  }

  constructor() {
    this.world = RelayWorld.ready({
      host: {
        carriages: { shm: "shadowed", icc: "copied" },
        allocate: (bytes) => this.room.allocate(bytes),
      },
    }, [[9, "wp_color_manager_v1", 1]]);
    this.world.bind(9, "wp_color_manager_v1", 1, 3);
    this.createCreator(4);
    this.world.forget();
  }

  createCreator(id: number): void {
    this.client.say(3, "wp_color_manager_v1.create_icc_creator", { obj: id });
  }

  /** The client makes an image description of what it gave a creator. */
  create(creator = 4, description = 5): void {
    const values = { "image_description": description };
    this.client.say(creator, `${CREATOR}.create`, values);
    this.world.settle();
  }

  /** The client gives a creator a file. */
  set(creator: number, fd: number, offset: number, length: number): void {
    const profile = { "icc_profile": fd, offset, length };
    this.client.say(creator, `${CREATOR}.set_icc_file`, profile);
  }

  /** The client gives a file, and makes its image description (5). */
  give(fd: number, offset: number, length: number): void {
    this.set(4, fd, offset, length);
    this.create();
  }

  [Symbol.dispose](): void {
    this.world[Symbol.dispose]();
    this.room[Symbol.dispose]();
  }
}

function profile(text: string): OwnedFd {
  const fd = createMemfd("profile", 0);
  writeFd(fd.number, new TextEncoder().encode(text));
  return fd;
}

Deno.test("of a file the host gets a copy of the part that is the profile", () => {
  using scene = new ProfileScene();
  scene.give(profile("....profile....").release(), 4, 7);
  scene.host.mustHear(
    `${CREATOR}@4.set_icc_file(fd, 0, 7)`,
    `${CREATOR}@4.create(new wp_image_description_v1@5)`,
  );
  const fd = scene.host.takeFd();
  const bytes = new Uint8Array(16);
  assert.equal(readFdAt(fd, bytes, 0), 7);
  closeFd(fd);
  assert.equal(new TextDecoder().decode(bytes.subarray(0, 7)), "profile");
});

/** A file without a file system of its own. */
function unreadable(): number {
  return openFile("/proc/self/status", O_RDONLY).release();
}

function assertFails(scene: ProfileScene, reason: RegExp): void {
  const [failed = "", deleted, ...others] = scene.client.heard();
  assert.match(failed, /^wp_image_description_v1@5\.failed\(2, /);
  assert.match(failed, reason);
  assert.equal(deleted, "wl_display@1.delete_id(4)");
  assert.deepEqual(others, []);
  scene.host.mustHearNothing();
  assert.match(scene.world.log.join(), reason);
  // both ids can be used again, and the connection lives
  const { client } = scene.world;
  client.say(5, "wp_image_description_v1.destroy");
  scene.createCreator(4);
  scene.give(profile("profile").release(), 0, 7);
  const [made, set] = scene.host.heard();
  assert.match(made ?? "", /^wp_color_manager_v1@3\.create_icc_creator/);
  assert.match(set ?? "", /set_icc_file\(fd, 0, 7\)$/);
  assert.equal(scene.world.ended, false);
}

testWithSilentFile(
  "a profile on a file system that never answers is not waited for: its image description fails",
  (file) => {
    using scene = new ProfileScene();
    scene.client.keepsFds = true;
    scene.give(file.fd.number, 0, 100);
    scene.client.keepsFds = false;
    assertFails(scene, /may never answer; copy the profile to a local disk/);
  },
);

Deno.test("a profile in a file without a file system of its own fails", () => {
  using scene = new ProfileScene();
  scene.give(unreadable(), 0, 100);
  assertFails(scene, /may never answer/);
});

Deno.test("a profile for which the host has no memory fails, and ends nobody", () => {
  using scene = new ProfileScene();
  scene.room.limit = 0;
  scene.set(4, memoryFile(), 0, 100);
  scene.world.settle();
  scene.room.limit = Infinity;
  scene.create();
  assertFails(scene, /the host has no memory left/);
});

const mistakes: readonly (readonly [string, number, () => number, number])[] = [
  ["in a pipe", 2, () => pipeEnd("reader").release(), 100],
  ["in a directory", 2, () => openFile("/", O_RDONLY).release(), 100],
  ["that cannot be read", 2, () => {
    using file = createMemfd("profile", 100);
    return openFile(`/proc/self/fd/${file.number}`, O_WRONLY).release();
  }, 100],
  ["without bytes", 3, () => memoryFile(), 0],
  ["that is too large", 3, () => memoryFile(), 32 * 1024 * 1024 + 1],
  ["that is longer than its file", 4, () => memoryFile(4096), 4097],
];

for (const [name, code, open, length] of mistakes) {
  Deno.test(`a profile ${name} is the application's mistake`, () => {
    using _closed = closesAllDescriptors();
    using scene = new ProfileScene();
    scene.give(open(), 0, length);
    const [error = ""] = scene.client.heard();
    assert.ok(
      error.startsWith(`wl_display@1.error(${CREATOR}@4, ${code}, `),
      error,
    );
    scene.host.mustHearNothing();
  });
}

Deno.test("a profile whose file becomes shorter while it is looked at is the application's mistake", () => {
  using scene = new ProfileScene();
  using file = createMemfd("profile", 4096);
  const { room } = scene;
  const allocate = room.allocate.bind(room);
  room.allocate = (bytes) => {
    assert.equal(libc.ftruncate(file.number, 0n), 0);
    return allocate(bytes);
  };
  scene.give(duplicateFd(file.number).release(), 0, 4096);
  const [error = ""] = scene.client.heard();
  assert.ok(error.startsWith(`wl_display@1.error(${CREATOR}@4, 4, `), error);
  scene.host.mustHearNothing();
});

Deno.test("a second profile of a creator whose first one failed is refused as any", () => {
  using scene = new ProfileScene();
  for (let i = 0; i < 2; i++) scene.set(4, unreadable(), 0, 100);
  assert.match(scene.client.heard().join(), /error\(.*@4, 1, "there is an ICC/);
});

Deno.test("a profile of a colour manager that the host has taken back goes nowhere, and ends nobody", () => {
  using scene = new ProfileScene();
  const { world } = scene;
  world.host.withdraw(9);
  world.bind(9, "wp_color_manager_v1", 1, 5);
  world.client.say(5, "wp_color_manager_v1.create_icc_creator", { obj: 6 });
  scene.set(6, memoryFile(), 0, 100);
  scene.create(6, 7);
  world.host.mustHearNothing();
  assert.equal(world.ended, false);
});

Deno.test("a profile that cannot be copied, because descriptors have run out, fails, and ends nobody", () => {
  using scene = new ProfileScene();
  scene.set(4, memoryFile(), 0, 100);
  withFreeDescriptors(2, () => scene.world.settle());
  scene.create();
  assertFails(scene, /the proxy cannot copy it: .*EMFILE/);
});

Deno.test("profiles that the host has not read yet are 64 MiB at most, so that a client with many keeps nobody waiting", () => {
  using scene = new ProfileScene();
  const { client, host } = scene.world;
  const largest = 32 * 1024 * 1024;
  const give = (creator: number): void => {
    scene.set(creator, memoryFile(largest), 0, largest);
    scene.world.settle();
  };
  for (const creator of [5, 6, 7]) scene.createCreator(creator);
  for (const creator of [4, 5, 6]) give(creator);
  const heard = host.heard();
  const profiles = heard.filter((line) => line.includes("set_icc_file"));
  assert.deepEqual(profiles.map((line) => line.split(".")[0]), [
    `${CREATOR}@4`,
    `${CREATOR}@5`,
  ]);
  scene.world.logMustMatch(
    /ignored a colour profile: the compositor has not yet read/,
  );
  scene.create(6, 8);
  assert.match(client.heard().join(), /wp_image_description_v1@8\.failed\(2, /);
  host.answerSyncs(heard);
  give(7);
  assert.match(host.heard().join(), /set_icc_file\(fd, 0, 33554432\)/);
  assert.equal(scene.world.ended, false);
});

/**
 * The client makes an image description (5) of a profile that fails, and
 * forgets it; its creator has the id 4 each time.
 */
function failOnce(scene: ProfileScene): void {
  const { client } = scene.world;
  scene.give(unreadable(), 0, 100);
  client.say(5, "wp_image_description_v1.destroy");
  scene.createCreator(4);
  scene.world.settle();
}

Deno.test("a client that goes on to give profiles that fail is told once in a minute in the log", () => {
  using scene = new ProfileScene();
  const { log } = scene.world;
  for (let i = 0; i < 10; i++) failOnce(scene);
  assert.equal(log.length, 1);
  scene.room.limit = 0;
  scene.give(memoryFile(), 0, 100);
  assert.equal(log.length, 2, "another reason");
  scene.client.say(5, "wp_image_description_v1.destroy");
  scene.createCreator(4);
  scene.world.loop.sleep(60_000);
  failOnce(scene);
  assert.equal(log.length, 3);
  assert.equal(scene.world.ended, false);
});

Deno.test("a client whose profiles fail without end, each of which leaves an object on the host, is ended", () => {
  using scene = new ProfileScene();
  const { world } = scene;
  for (let i = 0; i < MAX_LEFT; i++) failOnce(scene);
  assert.equal(world.ended, false);
  world.client.heard();
  scene.give(unreadable(), 0, 100);
  assert.equal(world.ended, true);
  assert.match(
    world.client.heard().join(),
    /wl_display@1\.error\(wl_display@1, 2, "no memory: more than \d+ colour profiles/,
  );
});
