import assert from "node:assert/strict";
import { getInterface } from "../../../protocols/tables.ts";
import { Entry } from "../../../src/relay/entry.ts";
import { IdAllocator, ObjectTable } from "../../../src/relay/object_table.ts";
import { Objects } from "../../../src/relay/objects.ts";

/** As ids of the server's side read from an `Int32Array`. */
const FIRST = 0xff000000 | 0;
const surface = getInterface("wl_surface");

function entry(clientId = 0, hostId = 0): Entry {
  return new Entry(clientId, hostId, surface, 1);
}

Deno.test("any number is safe to look up", () => {
  const table = new ObjectTable();
  table.set(1, entry());
  table.set(FIRST, entry());
  for (
    const id of [0, 2, 5000, 0x7fffffff, -1, FIRST + 1, FIRST - 1, 1 << 31]
  ) {
    assert.equal(table.get(id), null, `${id}`);
  }
  assert.notEqual(table.get(1), null);
  assert.notEqual(table.get(FIRST), null);
});

Deno.test("a client's new id is the next, or one that came back", () => {
  const table = new ObjectTable();
  for (const id of [1, 2, 3]) table.set(id, entry());
  table.delete(2);
  const free = [0, 1, 2, 3, 4, 5, -1, FIRST].filter((id) =>
    table.isFreeLow(id)
  );
  assert.deepEqual(free, [2, 4]);
});

Deno.test("a server's new id is the next, or any that was", () => {
  const table = new ObjectTable();
  table.set(FIRST, entry());
  table.set(FIRST + 1, entry());
  const possible = [0, 1, FIRST - 1, FIRST, FIRST + 1, FIRST + 2, FIRST + 3, -1]
    .filter((id) => table.isPossibleHigh(id));
  assert.deepEqual(possible, [FIRST, FIRST + 1, FIRST + 2]);
});

Deno.test("objects are counted once, whatever is replaced or deleted twice", () => {
  const table = new ObjectTable();
  table.set(1, entry());
  table.set(2, entry());
  table.set(2, entry());
  table.set(FIRST, entry());
  table.set(FIRST, entry());
  assert.equal(table.count, 3);
  table.delete(2);
  table.delete(2);
  table.delete(77);
  table.delete(FIRST + 5);
  assert.equal(table.count, 2);
});

Deno.test("ids are given without gaps, those that came back first", () => {
  const ids = new IdAllocator(2);
  assert.deepEqual([ids.allocate(), ids.allocate(), ids.allocate()], [2, 3, 4]);
  ids.free(3);
  assert.deepEqual([ids.allocate(), ids.allocate()], [3, 5]);
});

Deno.test("the display is the object 1 on both sides", () => {
  const objects = new Objects();
  assert.equal(objects.client.get(1), objects.display);
  assert.equal(objects.host.get(1), objects.display);
});

Deno.test("the two halves of a pair come and go on their own", () => {
  const objects = new Objects();
  const pair = entry(2);
  objects.addClientHalf(pair);
  assert.equal(pair.hostId, 0);
  objects.addHostHalf(pair);
  assert.equal(objects.host.get(2), pair);
  objects.dropClientHalf(pair);
  assert.equal(objects.client.get(2), null);
  assert.equal(objects.host.get(2), pair);
  assert.ok(pair.destroyed);
  objects.dropHostHalf(pair);
  assert.equal(objects.host.get(2), null);
  objects.addHostHalf(entry(3));
  assert.equal(objects.host.get(2)?.clientId, 3);
});

Deno.test("an object of the relay's own shares the host's ids with the client's", () => {
  const objects = new Objects();
  const listener = { event: (): void => {} };
  const own = objects.addHostObject(surface, 1, listener);
  const pair = entry(2);
  objects.addClientHalf(pair);
  objects.addHostHalf(pair);
  assert.deepEqual([own.hostId, own.clientId, pair.hostId], [2, 0, 3]);
  assert.equal(own.listener, listener);
});

Deno.test("an object that the host made keeps its client half when the host uses its id again", () => {
  const objects = new Objects();
  const first = entry(0, FIRST);
  objects.addHostAllocated(first);
  objects.nameForClient(first);
  const second = entry(0, FIRST);
  objects.addHostAllocated(second);
  objects.nameForClient(second);
  assert.deepEqual([first.clientId, first.hostId], [FIRST, 0]);
  assert.deepEqual([second.clientId, second.hostId], [FIRST + 1, FIRST]);
  objects.dropClientHalf(first);
  const third = entry(0, FIRST + 1);
  objects.addHostAllocated(third);
  objects.nameForClient(third);
  assert.equal(third.clientId, FIRST);
});
