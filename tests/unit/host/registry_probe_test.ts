/** What a compositor is asked first, and the answers that it may give. */
import assert from "node:assert/strict";
import { socketPair } from "../../../ffi/unix_socket.ts";
import { LocalSocket } from "../../../src/host/local/socket.ts";
import {
  type ProbeState,
  RegistryProbe,
} from "../../../src/host/registry_probe.ts";
import { Loop } from "../../../src/loop/loop.ts";
import { ScriptedHost } from "../../support/scripted_host.ts";

/**
 * What the probe makes of a compositor that behaves like that, and how often it
 * told.
 */
function ask(
  behaviour: (compositor: ScriptedHost) => void,
): { state: ProbeState; told: number; heard: string[] } {
  using loop = new Loop();
  const [ours, theirs] = socketPair();
  using compositor = new ScriptedHost(theirs);
  using endpoint = new LocalSocket(loop, ours);
  let told = 0;
  const probe = new RegistryProbe(endpoint, () => told++);
  loop.turn(0);
  compositor.listen();
  behaviour(compositor);
  while (loop.turn(0) > 0);
  return { state: probe.state, told, heard: [...compositor.lines] };
}

const done = (compositor: ScriptedHost): void => compositor.answer(3);

Deno.test("the globals are those that come before the callback", () => {
  const { state, told, heard } = ask((compositor) => {
    compositor.announce(1, "wl_compositor", 6);
    compositor.announce(7, "wl_seat", 8);
    done(compositor);
    compositor.announce(8, "wl_output", 4);
  });
  assert.deepEqual(heard, [
    "wl_display@1.get_registry(new wl_registry@2)",
    "wl_display@1.sync(new wl_callback@3)",
  ]);
  assert.deepEqual(state, {
    kind: "answered",
    globals: [
      { interface: "wl_compositor", version: 6 },
      { interface: "wl_seat", version: 8 },
    ],
  });
  assert.equal(told, 1);
});

Deno.test("a message that comes in pieces is waited for", () => {
  const whole = (compositor: ScriptedHost): Uint8Array =>
    compositor.encode(2, "wl_registry.global", {
      name: 1,
      interface: "wl_compositor",
      version: 6,
    });
  const waiting = ask((compositor) =>
    compositor.bytes(whole(compositor).subarray(0, 16))
  );
  assert.deepEqual([waiting.state.kind, waiting.told], ["waiting", 0]);
});

Deno.test("a compositor that refuses is quoted", () => {
  const { state } = ask((compositor) => {
    compositor.say(1, "wl_display.error", {
      "object_id": 1,
      code: 3,
      message: "not today",
    });
    done(compositor);
  });
  assert.deepEqual(state, { kind: "failed", reason: "not today" });
});

Deno.test("what closes the connection is no compositor", () => {
  const { state, told } = ask((compositor) => compositor[Symbol.dispose]());
  assert.deepEqual(state, {
    kind: "failed",
    reason: "it closed the connection",
  });
  assert.equal(told, 1);
});

const nonsense: readonly (readonly [string, readonly number[]])[] = [
  ["no room for its header", [1, 4 << 16]],
  ["a size that is no whole words", [1, 10 << 16, 0]],
  ["a size that no message has", [1, 8192 << 16]],
];
for (const [what, words] of nonsense) {
  Deno.test(`a message with ${what} is no Wayland`, () => {
    const { state } = ask((compositor) =>
      compositor.bytes(new Uint8Array(new Uint32Array(words).buffer))
    );
    assert.deepEqual(state, {
      kind: "failed",
      reason: "it does not speak Wayland",
    });
  });
}

Deno.test("a name that is longer than its message is cut", () => {
  const { state } = ask((compositor) => {
    compositor.bytes(
      new Uint8Array(new Uint32Array([2, 20 << 16, 1, 0x7fffffff, 0]).buffer),
    );
    done(compositor);
  });
  assert.equal(state.kind, "answered");
});
