/** `--log-suppress`: every class against the list of what it hides. */

import assert from "node:assert/strict";
import {
  type SuppressClass,
  suppressClassNames,
  SuppressTable,
} from "../../../src/log/suppress.ts";
import { everyMessage } from "../../support/every_message.ts";

const golden: Readonly<Record<SuppressClass, readonly string[]>> = {
  motion: [
    "event wl_pointer.frame",
    "event wl_pointer.motion",
  ],
  shm: [
    "event wl_buffer.release",
    "event wl_shm.format",
    "request wl_buffer.destroy",
    "request wl_shm.create_pool",
    "request wl_shm.release",
    "request wl_shm_pool.create_buffer",
    "request wl_shm_pool.destroy",
    "request wl_shm_pool.resize",
  ],
  delete: ["event wl_display.delete_id"],
  region: [
    "request wl_compositor.create_region",
    "request wl_region.add",
    "request wl_region.destroy",
    "request wl_region.subtract",
    "request wl_surface.set_input_region",
    "request wl_surface.set_opaque_region",
  ],
  drawing: [
    "request wl_surface.attach",
    "request wl_surface.damage",
    "request wl_surface.damage_buffer",
    "request wl_surface.frame",
  ],
  hints: [
    "request wl_surface.set_buffer_scale",
    "request xdg_surface.set_window_geometry",
    "request xdg_toplevel.set_max_size",
    "request xdg_toplevel.set_min_size",
  ],
};

function hiddenBy(classes: readonly SuppressClass[]): string[] {
  const table = new SuppressTable(classes);
  const hidden = everyMessage().filter((message) => table.hides(message)).map(
    ({ isRequest, fullName }) =>
      `${isRequest ? "request" : "event"} ${fullName}`,
  );
  return hidden.sort();
}

for (const name of suppressClassNames) {
  Deno.test(`the class ${name} hides these messages and no others`, () => {
    assert.deepEqual(hiddenBy([name]), golden[name]);
  });
}

Deno.test("without a class nothing is hidden, with all of them all that the classes have", () => {
  assert.deepEqual(hiddenBy([]), []);
  assert.deepEqual(
    hiddenBy(suppressClassNames),
    Object.values(golden).flat().sort(),
  );
});
