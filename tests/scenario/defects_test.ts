/**
 * A feature or an endpoint that fails outside of any message: its client ends,
 * and nobody else.
 */
import assert from "node:assert/strict";
import { socketPair } from "../../ffi/unix_socket.ts";
import { LocalSocket } from "../../src/host/local/socket.ts";
import type { FeatureRelay } from "../../src/relay/feature.ts";
import { feature, featureWorld } from "./support/feature.ts";
import { RelayWorld } from "../support/relay_world.ts";

const told =
  'wl_display@1.error(wl_display@1, 3, "the proxy failed: nothing works")';

function fail(): never {
  throw new Error("nothing works");
}

/** A world in which one request starts `trouble`, and is forwarded. */
function worldWith(trouble: (relay: FeatureRelay) => void): RelayWorld {
  return featureWorld(feature({
    requests: {
      "wl_surface.commit": (relay) => {
        trouble(relay);
        return "forward";
      },
    },
  }));
}

Deno.test("a feature's timer that throws ends its client, who is told", () => {
  using world = worldWith((relay) => relay.loop.after(10, fail));
  world.client.commit(4);
  world.settle();
  assert.ok(!world.ended);
  world.pass(10);
  assert.ok(world.ended);
  world.client.mustHear(told);
  world.logMustMatch(/^internal error: /);
});

Deno.test("a feature's watch that throws ends its client, who is told", () => {
  const [here, there] = socketPair();
  using _here = here;
  there[Symbol.dispose]();
  using watches = new DisposableStack();
  using world = worldWith((relay) =>
    watches.use(relay.loop.watch(here.number, { ready: fail }))
  );
  world.client.commit(4);
  world.client.listen();
  while (!world.ended) world.loop.turn(0);
  watches.dispose();
  world.client.mustHear(told);
});

Deno.test("an endpoint that fails at once ends its client, after the relay was made", () => {
  using stubs = new DisposableStack();
  const { attach } = LocalSocket.prototype;
  stubs.defer(() => LocalSocket.prototype.attach = attach);
  LocalSocket.prototype.attach = fail;
  using world = new RelayWorld();
  stubs.dispose();
  assert.ok(!world.ended);
  world.pass(0);
  assert.ok(world.ended);
  world.client.mustHear(told);
});
