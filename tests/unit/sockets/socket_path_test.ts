/** Names and paths of displays. */

import assert from "node:assert/strict";
import { socketPath } from "../../../src/sockets/socket_path.ts";

const runtime = new Map([["XDG_RUNTIME_DIR", "/run/user/1000"]]);

const paths: [display: string, path: string][] = [
  ["wayland-1", "/run/user/1000/wayland-1"],
  ["folder/wayland-1", "/run/user/1000/folder/wayland-1"],
  ["/tmp/socket", "/tmp/socket"],
  ["./socket", `${Deno.cwd()}/socket`],
  ["../socket", `${Deno.cwd().replace(/\/[^/]*$/, "")}/socket`],
  [".socket", "/run/user/1000/.socket"],
];

for (const [display, path] of paths) {
  Deno.test(`the socket of the display ${display} is ${path.replace(Deno.cwd(), "$PWD")}`, () => {
    assert.equal(socketPath(display, runtime), path);
  });
}

Deno.test("slashes at the end of the runtime directory do not matter", () => {
  assert.equal(
    socketPath("a", new Map([["XDG_RUNTIME_DIR", "/run//"]])),
    "/run/a",
  );
  assert.equal(socketPath("a", new Map([["XDG_RUNTIME_DIR", "/"]])), "//a");
});

Deno.test("a path needs no runtime directory", () => {
  assert.equal(socketPath("/tmp/socket", new Map()), "/tmp/socket");
});

const wrong: [
  what: string,
  display: string,
  environment: Map<string, string>,
  message: RegExp,
][] = [
  [
    "a name without a runtime directory",
    "wayland-1",
    new Map(),
    /^Cannot locate the socket of the display "wayland-1": XDG_RUNTIME_DIR is not set\./,
  ],
  [
    "a name in an empty runtime directory",
    "wayland-1",
    new Map([["XDG_RUNTIME_DIR", ""]]),
    /XDG_RUNTIME_DIR is not set/,
  ],
  [
    "a runtime directory that is not absolute",
    "wayland-1",
    new Map([["XDG_RUNTIME_DIR", "run"]]),
    /XDG_RUNTIME_DIR is "run", which is not an absolute path/,
  ],
  ["an empty name", "", runtime, /it does not name a socket/],
  ["a name with a zero byte", "a\0b", runtime, /it does not name a socket/],
  [
    "a path that is one byte too long for a socket",
    `/${"ä".repeat(53)}x`,
    runtime,
    /the path has 108 bytes, more than the 107 that a socket may have/,
  ],
];

for (const [what, display, environment, message] of wrong) {
  Deno.test(`${what} is refused with its reason`, () => {
    assert.throws(() => socketPath(display, environment), {
      name: "StartupError",
      message,
    });
  });
}

Deno.test("a path may be as long as a socket's address allows", () => {
  const longest = `/${"a".repeat(106)}`;
  assert.equal(socketPath(longest, runtime), longest);
});
