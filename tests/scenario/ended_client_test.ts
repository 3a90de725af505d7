/** A client that was ended, and still has something to be told. */
import assert from "node:assert/strict";
import { RelayWorld } from "../support/relay_world.ts";

Deno.test("a client that is ended for not reading is not read any more either", () => {
  using world = RelayWorld.ready();
  world.client.deaf = true;
  for (let id = 3; !world.ended; id++) {
    assert.ok(id < 100_000, "it was not ended");
    world.client.getRegistry(id);
    if (id % 64 === 0) world.settle();
  }
  const flood = new Uint8Array(65536);
  let taken = 0;
  for (let turn = 0; turn < 100; turn++) {
    taken += world.client.tryBytes(flood);
    world.settle();
  }
  // no more than what its socket holds
  assert.ok(taken < 1 << 20, `${taken} bytes were read`);
});
