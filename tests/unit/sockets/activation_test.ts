/** What a service manager says about the sockets that it hands over. */

import assert from "node:assert/strict";
import { listenUnix, socketPair } from "../../../ffi/unix_socket.ts";
import {
  listeningPath,
  takeActivationSockets,
} from "../../../src/sockets/activation.ts";
import { StartupError } from "../../../src/sockets/startup_error.ts";
import { makeScratch } from "../../support/scratch.ts";

const none = { wayland: undefined, x11: undefined };

function take(variables: Record<string, string>): unknown {
  return takeActivationSockets(new Map(Object.entries(variables)), 42);
}

Deno.test("without LISTEN_PID nothing is handed over", () => {
  assert.deepEqual(take({ LISTEN_FDS: "1", LISTEN_FDNAMES: "wayland" }), none);
});

Deno.test("what is meant for another process is not taken", () => {
  assert.deepEqual(
    take({
      LISTEN_PID: "41",
      LISTEN_FDS: "rubbish",
      LISTEN_FDNAMES: "wayland",
    }),
    none,
  );
});

Deno.test("no sockets at all are fine", () => {
  assert.deepEqual(
    take({ LISTEN_PID: "42", LISTEN_FDS: "0", LISTEN_FDNAMES: "" }),
    none,
  );
  assert.deepEqual(take({ LISTEN_PID: "42", LISTEN_FDS: "0" }), none);
});

const wrong: [variables: Record<string, string>, message: string][] = [
  [{}, "LISTEN_FDS not set"],
  [{ LISTEN_FDS: "" }, "LISTEN_FDS not an integer"],
  [{ LISTEN_FDS: "one" }, "LISTEN_FDS not an integer"],
  [{ LISTEN_FDS: "1" }, "Wrong number of LISTEN_FDNAMES provided"],
  [
    { LISTEN_FDS: "1", LISTEN_FDNAMES: "wayland:x11" },
    "Wrong number of LISTEN_FDNAMES provided",
  ],
  [
    { LISTEN_FDS: "2", LISTEN_FDNAMES: "wayland:wayland" },
    'Multiple sockets named "wayland" from service manager!',
  ],
  [
    { LISTEN_FDS: "2", LISTEN_FDNAMES: "x11:x11" },
    'Multiple sockets named "x11" from service manager!',
  ],
  [
    { LISTEN_FDS: "3", LISTEN_FDNAMES: "zebra:ape:ape" },
    'Unexpected extra sockets "ape", "zebra" from service manager',
  ],
];

for (const [variables, message] of wrong) {
  Deno.test(`${JSON.stringify(variables)} is refused: ${message}`, () => {
    assert.throws(() => take({ LISTEN_PID: "42", ...variables }), {
      name: "StartupError",
      message,
    });
  });
}

Deno.test("the address of a listening socket is found, be it a path or abstract", () => {
  using scratch = makeScratch("activation");
  for (
    const address of [`${scratch.path}/a socket`, `@${scratch.path}/abstract`]
  ) {
    using listener = listenUnix(address, 1);
    assert.equal(listeningPath(listener.number), address);
  }
});

Deno.test("a socket without an address is refused", () => {
  const [one, other] = socketPair();
  using _one = one;
  using _other = other;
  assert.throws(() => listeningPath(one.number), StartupError);
});
