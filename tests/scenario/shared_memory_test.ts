/**
 * What a client gives as memory: checked by its kind here, and by its sizes
 * where it is mapped.
 */
import { O_CREAT, O_RDONLY, O_RDWR, openFile, OwnedFd } from "../../ffi/fd.ts";
import {
  closesAllDescriptors,
  memoryFile,
  pipeEnd,
  socketEnd,
} from "../support/descriptors.ts";
import { testWithSilentFile } from "../support/silent_file_test_case.ts";
import { RelayWorld } from "../support/relay_world.ts";

function refusal(what: string): string {
  return `the descriptor of a pool is no memory but ${what}; make it with memfd_create or shm_open`;
}

const SILENT = "a file of a file system that may never answer";

const wrong: readonly (readonly [string, string, () => OwnedFd])[] = [
  ["a pipe", "a pipe", () => pipeEnd("reader")],
  ["a directory", "a directory", () => openFile("/", O_RDONLY)],
  [
    "a directory in memory",
    "a directory",
    () => openFile("/dev/shm", O_RDONLY),
  ],
  ["a socket", "a socket", socketEnd],
  ["a device", "a device", () => openFile("/dev/zero", O_RDWR)],
  ["a terminal", "a device", () => openFile("/dev/ptmx", O_RDWR)],
  ["a file of /proc", SILENT, () => openFile("/proc/self/status", O_RDONLY)],
];

for (const [name, what, open] of wrong) {
  Deno.test(`${name} is no memory for a pool`, () => {
    using _closed = closesAllDescriptors();
    using world = RelayWorld.withShm();
    world.client.createPool(3, { id: 4, fd: open().release(), size: 4096 });
    world.client.mustHear(
      `wl_display@1.error(wl_shm@3, 2, "${refusal(what)}")`,
    );
    world.host.mustHearNothing();
    world.mustLog(`client ended: it broke the protocol: ${refusal(what)}`);
  });
}

testWithSilentFile(
  "a file of a file system that never answers is refused, and nobody waits for it",
  (file) => {
    using world = RelayWorld.withShm();
    world.client.keepsFds = true;
    world.client.createPool(3, { id: 4, fd: file.fd.number, size: 4096 });
    world.client.mustHear(
      `wl_display@1.error(wl_shm@3, 2, "${refusal(SILENT)}")`,
    );
  },
);

const right: readonly (readonly [string, () => OwnedFd])[] = [
  ["a memfd", () => new OwnedFd(memoryFile())],
  [
    "a file in memory",
    () => unlinked(`/dev/shm/wayferry-${crypto.randomUUID()}`),
  ],
  ["a file on a disk", () => unlinked(Deno.makeTempFileSync())],
];

function unlinked(path: string): OwnedFd {
  const file = openFile(path, O_RDWR | O_CREAT);
  Deno.removeSync(path);
  return file;
}

for (const [name, open] of right) {
  Deno.test(`${name} is memory for a pool`, () => {
    using world = RelayWorld.withShm();
    world.client.createPool(3, { id: 4, fd: open().release(), size: 4096 });
    world.host.mustHear("wl_shm@3.create_pool(new wl_shm_pool@4, fd, 4096)");
  });
}

Deno.test("sizes and offsets that overflow are the host's to refuse: they reach it as they are", () => {
  using world = RelayWorld.withShm();
  world.client.createPool(3, { id: 4, fd: memoryFile(), size: 0x7fffffff });
  world.client.createPool(3, { id: 5, fd: memoryFile(), size: -1 });
  world.client.say(4, "wl_shm_pool.resize", { size: -0x80000000 });
  world.client.createBuffer(4, 6, {
    offset: 0x7ffffffc,
    width: 0x7fffffff,
    height: 0x7fffffff,
    stride: -4,
    format: 0xffffffff,
  });
  world.host.mustHear(
    "wl_shm@3.create_pool(new wl_shm_pool@4, fd, 2147483647)",
    "wl_shm@3.create_pool(new wl_shm_pool@5, fd, -1)",
    "wl_shm_pool@4.resize(-2147483648)",
    "wl_shm_pool@4.create_buffer(new wl_buffer@6, 2147483644, 2147483647, 2147483647, -4, 4294967295)",
  );
  world.host.error(3, 1, "invalid size (-1)");
  world.client.mustHear('wl_display@1.error(wl_shm@3, 1, "invalid size (-1)")');
});
