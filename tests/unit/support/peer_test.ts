/** A scripted peer says exactly the message that its test has written, or refuses. */
import assert from "node:assert/strict";
import { socketPair } from "../../../ffi/unix_socket.ts";
import { Peer } from "../../support/peer.ts";

/** A scripted client with nobody at the other end. */
function scriptedClient(): Peer & Disposable {
  const [ours, theirs] = socketPair();
  theirs[Symbol.dispose]();
  return new Peer(ours, "requests");
}

Deno.test("a message with too few arguments is refused", () => {
  using client = scriptedClient();
  assert.throws(
    () => client.encode(4, "wl_surface.damage", 1),
    /wl_surface.damage has more arguments/,
  );
  assert.throws(
    () => client.encode(2, "wl_registry.bind", 1, "wl_seat"),
    /wl_registry.bind has more arguments/,
  );
});

Deno.test("a message with too many arguments is refused", () => {
  using client = scriptedClient();
  assert.throws(
    () => client.encode(4, "wl_surface.damage", 1, 2, 3, 4, 5),
    /wl_surface.damage has fewer arguments/,
  );
});

Deno.test("a message without its descriptor is refused", () => {
  using client = scriptedClient();
  assert.throws(
    () => client.encode(4, "wl_shm.create_pool", 5, null, 4096),
    /null is not a descriptor/,
  );
  assert.throws(
    () => client.encode(4, "wl_shm.create_pool", 5, -1, 4096),
    /-1 is not a descriptor/,
  );
});
