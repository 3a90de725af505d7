/**
 * Descriptors: how many go at once, whose they are, and that none stays open.
 */
import assert from "node:assert/strict";
import {
  closeFd,
  duplicateFd,
  O_RDWR,
  openFile,
  OwnedFd,
  statusFlags,
} from "../../ffi/fd.ts";
import { readFdLimit, setFdLimit } from "../../ffi/process.ts";
import {
  closesAllDescriptors,
  fileIdentity,
  memoryFile,
  memoryFiles,
  pipeEnd,
  socketEnd,
} from "../support/descriptors.ts";
import { testWithSilentFile } from "../support/silent_file_test_case.ts";
import { series } from "../support/words.ts";
import { RelayWorld } from "../support/relay_world.ts";

const FIRST = 0xff000000;

function pools(world: RelayWorld, first: number, count: number): Uint8Array {
  const pool = { id: first, fd: -1, size: 4096 };
  const request = world.client.encode(3, "wl_shm.create_pool", pool);
  return series(request, 2, count);
}

Deno.test("a hundred descriptors go on 28 at a time, each with or before its message", () => {
  using world = RelayWorld.withShm();
  const fds = memoryFiles(100);
  const identities = fds.map(fileIdentity);
  world.client.bytes(pools(world, 4, 100), fds);
  assert.equal(world.host.heard().length, 100);
  assert.deepEqual(world.host.fdBatches, [28, 28, 28, 16]);
  assert.ok(!world.host.fdsWereLate);
  assert.deepEqual(world.host.receivedFds.map(fileIdentity), identities);
});

Deno.test("descriptors that come one by one with messages in pieces are matched to them", () => {
  using world = RelayWorld.withShm();
  const fds = memoryFiles(50);
  const identities = fds.map(fileIdentity);
  const requests = pools(world, 4, 50);
  fds.forEach((fd, index) => {
    const start = index * 5;
    world.client.bytes(requests.subarray(start, start + 5), [fd]);
    world.settle();
  });
  world.client.bytes(requests.subarray(250));
  assert.equal(world.host.heard().length, 50);
  assert.ok(!world.host.fdsWereLate);
  assert.deepEqual(world.host.receivedFds.map(fileIdentity), identities);
});

Deno.test("a host that does not read gets its descriptors later, none lost and none late", () => {
  using world = RelayWorld.withShm();
  world.host.deaf = true;
  let next = 4;
  for (let batch = 0; batch < 4; batch++) {
    world.client.bytes(pools(world, next, 200), memoryFiles(200));
    next += 200;
    world.settle();
  }
  world.host.deaf = false;
  assert.equal(world.host.heard().length, 800);
  assert.equal(world.host.receivedFds.length, 800);
  assert.ok(!world.host.fdsWereLate);
  assert.ok(Math.max(...world.host.fdBatches) <= 28);
});

Deno.test("descriptors that no message asks for do no harm, and are closed with the client", () => {
  using _closed = closesAllDescriptors();
  using world = RelayWorld.withShm();
  world.client.bytes(
    world.client.encode(1, "wl_display.sync", { callback: 4 }),
    memoryFiles(20),
  );
  world.host.mustHear("wl_display@1.sync(new wl_callback@4)");
  assert.ok(!world.ended);
});

Deno.test("a paste without its descriptor ends the client", () => {
  using world = pasteWorld();
  world.client.bytes(
    world.client.encode(FIRST, "wl_data_offer.receive", {
      "mime_type": "a/b",
      fd: -1,
    }),
  );
  world.client.mustHear(
    'wl_display@1.error(wl_display@1, 1, "invalid arguments for wl_data_offer#4278190080.receive: a file descriptor is missing")',
  );
});

Deno.test("a relay leaves no descriptor open, however it ends", () => {
  using _closed = closesAllDescriptors();
  using world = RelayWorld.withShm();
  world.client.bytes(pools(world, 4, 100), memoryFiles(100));
  world.settle();
  world.host.deaf = true;
  world.client.bytes(pools(world, 104, 200), memoryFiles(200));
  world.client.bytes(pools(world, 304, 1).subarray(0, 5), memoryFiles(30));
  world.settle();
  world.relay.stop("enough");
});

Deno.test("descriptors that are lost because too many are open end the client, and it is said why", () => {
  using world = RelayWorld.withShm();
  const fds = memoryFiles(20);
  const highest = Math.max(...fds);
  world.client.bytes(pools(world, 4, 20), fds);
  const limit = readFdLimit();
  const filling: number[] = [];
  try {
    setFdLimit({ soft: BigInt(highest + 1), hard: limit.hard });
    // All that may be open is open, but for four.
    while (Math.max(0, ...filling) < highest) filling.push(memoryFile());
    filling.splice(0, 4).forEach(closeFd);
    world.settle();
  } finally {
    setFdLimit(limit);
    filling.forEach(closeFd);
  }
  world.settle();
  assert.ok(world.ended);
  world.mustLog(
    "client ended: the kernel dropped file descriptors on receipt; raise the limit of open files",
  );
});

/**
 * Whoever pastes may give any descriptor to be written to; it is the same open
 * file that the host gets.
 */
const receivers: readonly (readonly [string, () => OwnedFd])[] = [
  ["a pipe that blocks", () => pipeEnd("writer")],
  ["a terminal", () => openFile("/dev/ptmx", O_RDWR)],
  ["a file", () => new OwnedFd(memoryFile())],
  ["a socket that does not block", socketEnd],
];

/** A client that is offered the host's clipboard as `FIRST`. */
function pasteWorld(): RelayWorld {
  const world = RelayWorld.withDataDevice();
  world.host.say(5, "wl_data_device.data_offer", { id: FIRST });
  world.forget();
  return world;
}

for (const [name, open] of receivers) {
  Deno.test(`${name} that a paste goes to passes as it is, with its flags`, () => {
    using world = pasteWorld();
    using owned = open();
    const flags = statusFlags(owned.number);
    const identity = fileIdentity(owned.number);
    const given = duplicateFd(owned.number).release();
    world.client.receive(FIRST, "a/b", given);
    world.settle();
    using arrived = new OwnedFd(world.host.takeFd());
    assert.equal(fileIdentity(arrived.number), identity);
    assert.equal(statusFlags(arrived.number), flags);
    assert.equal(statusFlags(owned.number), flags);
  });
}

testWithSilentFile(
  "a paste into a file of a file system that never answers waits for nobody",
  (file) => {
    using world = pasteWorld();
    world.client.keepsFds = true;
    const { number } = file.fd;
    world.client.receive(FIRST, "a/b", number);
    world.host.mustHear('wl_data_offer@4278190080.receive("a/b", fd)');
    file.closeLater(world.host.takeFd());
  },
);
