/**
 * The generated tables against facts of the protocols that were read in their
 * specifications.
 */

import assert from "node:assert/strict";
import { DEFAULT_EXPOSURE } from "../../../protocols/generated/exposure.ts";
import type {
  EventArguments,
  RequestArguments,
} from "../../../protocols/generated/messages.ts";
import {
  findEnumeration,
  findEvent,
  findInterface,
  findRequest,
  getEvent,
  getInterface,
  getRequest,
  interfaceNames,
  type Message,
  MESSAGE_COUNT,
  OP_ARRAY,
  OP_FD,
  OP_NEW_ID,
  OP_NEW_ID_UNTYPED,
  OP_OBJECT,
  OP_OBJECT_NULLABLE,
  OP_STRING,
  OP_STRING_NULLABLE,
  OP_WORD,
} from "../../../protocols/tables.ts";
import { everyInterface, everyMessage } from "../../support/every_message.ts";

type Row = readonly [
  message: Message,
  opcode: number,
  ops: readonly number[],
  minimumSize: number,
  others?: { readonly since?: number; readonly destructor?: boolean },
];

const ROWS: readonly Row[] = [
  [getRequest("wl_display.sync"), 0, [OP_NEW_ID], 12],
  [getEvent("wl_display.error"), 0, [OP_OBJECT, OP_WORD, OP_STRING], 20],
  [getRequest("wl_registry.bind"), 0, [OP_WORD, OP_NEW_ID_UNTYPED], 24],
  [getEvent("wl_callback.done"), 0, [OP_WORD], 12, { destructor: true }],
  [
    getRequest("wl_surface.attach"),
    1,
    [OP_OBJECT_NULLABLE, OP_WORD, OP_WORD],
    20,
  ],
  [
    getRequest("wl_surface.damage_buffer"),
    9,
    [OP_WORD, OP_WORD, OP_WORD, OP_WORD],
    24,
    { since: 4 },
  ],
  [getRequest("wl_surface.commit"), 6, [], 8],
  [getRequest("wl_shm.create_pool"), 0, [OP_NEW_ID, OP_FD, OP_WORD], 16],
  [getRequest("wl_data_offer.accept"), 0, [OP_WORD, OP_STRING_NULLABLE], 16],
  [getEvent("wl_keyboard.enter"), 1, [OP_WORD, OP_OBJECT, OP_ARRAY], 20],
  [getRequest("xdg_toplevel.set_title"), 2, [OP_STRING], 12],
  [getRequest("zwp_linux_buffer_params_v1.destroy"), 0, [], 8, {
    destructor: true,
  }],
  [getRequest("zwp_linux_buffer_params_v1.add"), 1, [
    OP_FD,
    OP_WORD,
    OP_WORD,
    OP_WORD,
    OP_WORD,
    OP_WORD,
  ], 28],
  [getEvent("wl_output.name"), 4, [OP_STRING], 12, { since: 4 }],
];

for (const [message, opcode, ops, minimumSize, others] of ROWS) {
  Deno.test(`the table knows the shape of ${message.fullName}`, () => {
    const expected = {
      opcode,
      since: others?.since ?? 1,
      destructor: others?.destructor ?? false,
      fdCount: ops.filter((op) => op === OP_FD).length,
      minimumSize,
      // nothing to translate
      plain: ops.every((op) => op === OP_WORD),
    };
    assert.deepEqual([...message.ops], ops);
    assert.deepEqual({ ...message, ...expected }, { ...message });
  });
}

Deno.test("arguments know their names, interfaces, enums and kinds", () => {
  const [buffer, x] = getRequest("wl_surface.attach").arguments;
  assert.equal(buffer?.name, "buffer");
  assert.equal(buffer?.interface, "wl_buffer");
  assert.equal(buffer?.nullable, true);
  assert.equal(buffer?.buffer, "read");
  assert.equal(buffer?.kind, null);
  assert.equal(buffer?.target, findInterface("wl_buffer"));
  assert.equal(x?.type, "int");
  assert.equal(x?.target, null);

  const [format, fd] = getEvent("wl_keyboard.keymap").arguments;
  assert.equal(format?.enumeration, "wl_keyboard.keymap_format");
  assert.equal(fd?.type, "fd");
  assert.equal(fd?.kind, "keymap");

  const [plane] = getRequest("zwp_linux_buffer_params_v1.add").arguments;
  assert.equal(plane?.kind, "dmabuf");

  const transform = getRequest("wl_surface.set_buffer_transform").arguments[0];
  assert.equal(transform?.enumeration, "wl_output.transform");

  const captured = getRequest("zwlr_screencopy_frame_v1.copy").arguments[0];
  assert.equal(captured?.buffer, "written");
});

Deno.test("ids of any interface have no interface of their own", () => {
  const created = getRequest("wl_registry.bind").arguments[1];
  assert.equal(created?.type, "new_id");
  assert.equal(created?.interface, null);
  assert.equal(created?.target, null);
  const culprit = getEvent("wl_display.error").arguments[0];
  assert.equal(culprit?.type, "object");
  assert.equal(culprit?.interface, null);
});

Deno.test("enums map values to names and know bit fields", () => {
  const format = findEnumeration("wl_shm.format");
  assert.equal(format?.bitfield, false);
  assert.equal(format?.entries.get(0), "argb8888");
  assert.equal(format?.entries.get(1), "xrgb8888");
  assert.equal(format?.entries.get(0x34324241), "abgr8888");
  const capability = findEnumeration("wl_seat.capability");
  assert.equal(capability?.bitfield, true);
  assert.deepEqual([...capability?.entries ?? []], [
    [1, "pointer"],
    [2, "keyboard"],
    [4, "touch"],
  ]);
  assert.equal(findEnumeration("wl_seat.nothing"), null);
});

Deno.test("events can be destructors", () => {
  for (
    const name of [
      "wp_presentation_feedback.presented",
      "wp_presentation_feedback.discarded",
      "wp_image_description_info_v1.done",
      "zwp_linux_buffer_release_v1.fenced_release",
      "ext_workspace_manager_v1.finished",
    ] as const
  ) {
    assert.equal(getEvent(name).destructor, true, name);
  }
});

Deno.test("an interface's destroy request is its destructor without arguments", () => {
  const destroyer = (name: string): string | undefined =>
    findInterface(name)?.destroyRequest?.name;
  assert.equal(destroyer("wl_surface"), "destroy");
  assert.equal(destroyer("wl_pointer"), "release");
  assert.equal(destroyer("wl_callback"), undefined);
  assert.equal(destroyer("wl_registry"), undefined);
});

Deno.test("names that no protocol defines are not found", () => {
  for (const name of ["", "wl_nothing", "constructor", "__proto__"]) {
    assert.equal(findInterface(name), null, name);
  }
  assert.equal(findRequest("wl_surface.enter"), null);
  assert.equal(findEvent("wl_surface.attach"), null);
  assert.equal(findRequest("wl_surface"), null);
  assert.equal(findRequest(""), null);
});

Deno.test("an interface is parsed once", () => {
  assert.equal(findInterface("wl_surface"), getInterface("wl_surface"));
  const attach = getRequest("wl_surface.attach");
  assert.equal(attach.interface, getInterface("wl_surface"));
  assert.equal(attach.fullName, "wl_surface.attach");
});

Deno.test("every message has an index of its own, without gaps", () => {
  const indices = everyMessage().map((message) => message.index);
  assert.deepEqual(
    indices.sort((a, b) => a - b),
    Array.from({ length: MESSAGE_COUNT }, (_, index) => index),
  );
});

Deno.test("opcodes are positions, and every name in a table leads somewhere", () => {
  for (const table of everyInterface()) {
    for (const messages of [table.requests, table.events]) {
      for (const [opcode, message] of messages.entries()) {
        assert.equal(message.opcode, opcode, message.fullName);
        assert.equal(message.fullName, `${table.name}.${message.name}`);
        assert.match(message.fullName, /^\w+\.\w+$/);
        assert.equal(message.interface, table, message.fullName);
        assert.equal(message.isRequest, messages === table.requests);
        assert.ok(message.since <= table.version, message.fullName);
      }
    }
  }
  for (const message of everyMessage()) {
    for (const argument of message.arguments) {
      const name = `${message.fullName}.${argument.name}`;
      assert.equal(argument.target === null, argument.interface === null, name);
      if (argument.enumeration !== null) {
        assert.ok(findEnumeration(argument.enumeration) !== null, name);
      }
    }
  }
});

Deno.test("every fd has a kind and every wl_buffer a direction", () => {
  const marked = everyMessage().flatMap((message) => message.arguments).filter((
    argument,
  ) =>
    argument.type === "fd" ||
    (argument.type === "object" && argument.interface === "wl_buffer")
  );
  assert.ok(marked.length >= 45);
  for (const { name, type, kind, buffer } of marked) {
    assert.equal(kind === null, type !== "fd", name);
    assert.equal(buffer === null, type === "fd", name);
  }
});

Deno.test("what current compositors offer is known, at the newest version", () => {
  const versions = [
    ["wl_compositor", 7],
    ["wl_seat", 11],
    ["xdg_wm_base", 7],
    ["wl_drm", 2],
    ["zwp_linux_dmabuf_v1", 6],
    ["zwp_tablet_manager_v2", 2],
    ["gtk_primary_selection_device_manager", 1],
    ["gtk_shell1", 7],
    ["xwayland_shell_v1", 1],
    ["zwlr_layer_shell_v1", 5],
    ["org_kde_plasma_window_management", 21],
    ["kde_output_device_registry_v2", 26],
    ["frog_color_management_factory_v1", 1],
    ["zwp_text_input_manager_v2", 1],
    ["zwp_input_method_manager_v2", 1],
    ["hyprland_toplevel_export_manager_v1", 2],
    ["weston_capture_v1", 2],
    ["zwf_shell_manager_v2", 2],
  ] as const;
  for (const [name, version] of versions) {
    const known = findInterface(name)?.version ?? 0;
    assert.ok(known >= version, `${name} ${known}`);
  }
  assert.ok(interfaceNames().length >= 290);
});

Deno.test("the default exposure has the 47 safe globals and none that spies or injects", () => {
  assert.equal(Object.keys(DEFAULT_EXPOSURE).length, 47);
  for (
    const name of [
      "wl_drm",
      "ext_data_control_manager_v1",
      "zwlr_screencopy_manager_v1",
      "zwp_virtual_keyboard_manager_v1",
      "wp_security_context_manager_v1",
      "org_kde_kwin_fake_input",
      "gtk_shell1",
      "xwayland_shell_v1",
    ]
  ) {
    assert.equal(Object.hasOwn(DEFAULT_EXPOSURE, name), false, name);
  }
});

Deno.test("argument types follow the tables", () => {
  const attach: Omit<RequestArguments["wl_surface.attach"], "buffer"> = {
    x: -1,
    y: 2,
  };
  const bind: Omit<RequestArguments["wl_registry.bind"], "id"> = {
    name: 7,
    interface: "wl_seat",
    version: 11,
  };
  const keymap: EventArguments["wl_keyboard.keymap"] = {
    format: 1,
    fd: 3,
    size: 4096,
  };
  assert.deepEqual(
    [
      Object.keys(attach),
      Object.keys(keymap),
      Object.keys(bind),
    ],
    [
      ["x", "y"],
      getEvent("wl_keyboard.keymap").arguments.map(({ name }) => name),
      ["name", "interface", "version"],
    ],
  );
});
