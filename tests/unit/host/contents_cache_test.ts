/** Values that are kept by the contents of the files that they were made of. */

import assert from "node:assert/strict";
import { ContentsCache } from "../../../src/host/contents_cache.ts";

/** Notes when the cache disposes of a value. */
class Value implements Disposable {
  isDisposed = false;
  [Symbol.dispose](): void {
    this.isDisposed = true;
  }
}

Deno.test("a value is found by equal contents, and by no others of that size", () => {
  using cache = new ContentsCache<Value>(2);
  const value = new Value();
  cache.add(Uint8Array.of(1, 2), value);
  assert.equal(cache.find(Uint8Array.of(1, 2)), value);
  assert.equal(cache.find(Uint8Array.of(1, 3)), null);
  assert.equal(cache.find(Uint8Array.of(1)), null);
});

Deno.test("the value that was unused for longest goes first, and all go with the cache", () => {
  const cache = new ContentsCache<Value>(2);
  const [first, second, third] = [new Value(), new Value(), new Value()];
  cache.add(Uint8Array.of(1), first);
  cache.add(Uint8Array.of(2), second);
  assert.equal(cache.find(Uint8Array.of(1)), first);
  cache.add(Uint8Array.of(3), third);
  assert.deepEqual(
    [first, second, third].map(({ isDisposed }) => isDisposed),
    [false, true, false],
  );
  assert.equal(cache.find(Uint8Array.of(2)), null);
  cache[Symbol.dispose]();
  assert.equal(cache.count, 0);
  assert.ok(first.isDisposed && third.isDisposed);
});
