/**
 * The program of leaks_test.ts: does everything that opens descriptors,
 * also what fails half-way, and prints which are open before and after. It is a
 * process of its own, in which nobody else opens any.
 */

import { fail, ok } from "node:assert/strict";
import { addSeals, createMemfd, F_SEAL_WRITE } from "../../../ffi/memfd.ts";
import { mapFile } from "../../../ffi/mapping.ts";
import { PinnedBuffer } from "../../../ffi/pinned_buffer.ts";
import { closeFd, O_RDONLY, openFile } from "../../../ffi/fd.ts";
import { openSignalFd } from "../../../ffi/signalfd.ts";
import {
  receivedFdCount,
  receiveMessage,
  sendMessage,
} from "../../../ffi/socket_message.ts";
import { spawn } from "../../../ffi/spawn.ts";
import {
  acceptUnix,
  connectUnix,
  listenUnix,
  socketPair,
} from "../../../ffi/unix_socket.ts";
import { watchChild } from "../../../src/loop/children.ts";
import { Loop } from "../../../src/loop/loop.ts";
import { watchSignals } from "../../../src/loop/signals.ts";

function mustThrow(action: () => unknown): void {
  let thrown = false;
  try {
    action();
  } catch {
    thrown = true;
  }
  ok(thrown, `did not fail: ${action}`);
}

function sockets(address: string): void {
  using listener = listenUnix(address, 1);
  using _client = connectUnix(address);
  closeFd(acceptUnix(listener.number));
  mustThrow(() => listenUnix(address, 1));
  mustThrow(() => connectUnix(`${address}-missing`));
}

function messages(): void {
  const buffer = new PinnedBuffer(4096);
  const fds = new Int32Array(253);
  const [a, b] = socketPair();
  using _a = a;
  using _b = b;
  fds.fill(a.number, 0, 100);
  sendMessage(a.number, buffer, 0, 1, fds, 0, 100);
  receiveMessage(b.number, buffer, 0, 1, fds);
  for (const fd of fds.subarray(0, receivedFdCount())) closeFd(fd);
  buffer.free();
}

function files(): void {
  using memory = createMemfd("leaks", 4096);
  {
    using _mapping = mapFile(memory.number, 4096, "write");
    mustThrow(() => addSeals(memory.number, F_SEAL_WRITE));
  }
  mustThrow(() => createMemfd("leaks", -1));
  mustThrow(() => openFile("/nowhere", O_RDONLY));
  openSignalFd(["SIGUSR1"])[Symbol.dispose]();
}

function children(): void {
  using loop = new Loop();
  using _timer = loop.after(100_000, () => fail("too late"));
  using memory = createMemfd("leaks", 1);
  const environment = {};
  const fds = new Map([[1, memory.number], [memory.number, memory.number], [
    memory.number + 1,
    1,
  ]]);
  const { pidfd } = spawn({ argv: ["/bin/true"], environment, fds });
  using _child = watchChild(loop, pidfd, () => loop.stop());
  loop.run();
  mustThrow(() => spawn({ argv: ["/nowhere"], environment, fds }));
  mustThrow(() => watchSignals(loop, ["SIGUSR2"], () => {}));
}

function everything(): void {
  sockets(`@leaks-${Deno.pid}`);
  messages();
  files();
  children();
}

function openFds(): string[] {
  return [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => name).sort();
}

everything();
const before = openFds();
for (let i = 0; i < 3; i++) everything();
const after = openFds();
Deno.stdout.writeSync(
  new TextEncoder().encode(JSON.stringify({ before, after })),
);
