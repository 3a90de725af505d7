/** Where the host compositor is. */

import assert from "node:assert/strict";
import { setCloseOnExec, statusFlags } from "../../../ffi/fd.ts";
import { socketPair } from "../../../ffi/unix_socket.ts";
import { hostAddress } from "../../../src/sockets/host_address.ts";
import { StartupError } from "../../../src/sockets/startup_error.ts";

function environment(values: Record<string, string>): Map<string, string> {
  return new Map(
    Object.entries({ XDG_RUNTIME_DIR: "/run/user/1000", ...values }),
  );
}

const paths: [variables: Record<string, string>, path: string][] = [
  [{}, "/run/user/1000/wayland-0"],
  [{ WAYLAND_DISPLAY: "" }, "/run/user/1000/wayland-0"],
  [{ WAYLAND_DISPLAY: "wayland-7" }, "/run/user/1000/wayland-7"],
  [{ WAYLAND_DISPLAY: "/tmp/host" }, "/tmp/host"],
  [
    { WAYLAND_DISPLAY: "wayland-7", WAYLAND_SOCKET: "" },
    "/run/user/1000/wayland-7",
  ],
];

for (const [variables, path] of paths) {
  Deno.test(`with ${JSON.stringify(variables)} the host is at ${path}`, () => {
    assert.deepEqual(hostAddress(environment(variables)), {
      kind: "path",
      path,
    });
  });
}

Deno.test("WAYLAND_SOCKET serves the first connection, WAYLAND_DISPLAY the others", () => {
  const [ours, theirs] = socketPair();
  using _ours = ours;
  using _theirs = theirs;
  setCloseOnExec(ours.number, "keep");
  const variables = environment({
    WAYLAND_SOCKET: String(ours.number),
    WAYLAND_DISPLAY: "wayland-7",
  });
  assert.deepEqual(hostAddress(variables), {
    kind: "descriptor",
    fd: ours.number,
  });
  assert.equal(variables.get("WAYLAND_SOCKET"), "");
  const next = { kind: "path", path: "/run/user/1000/wayland-7" };
  assert.deepEqual(hostAddress(variables), next);
  assert.deepEqual(hostAddress(variables), next);
});

Deno.test("programs that we start do not inherit the descriptor of WAYLAND_SOCKET", () => {
  const [ours, theirs] = socketPair();
  using _ours = ours;
  using _theirs = theirs;
  setCloseOnExec(ours.number, "keep");
  hostAddress(environment({ WAYLAND_SOCKET: String(ours.number) }));
  // FD_CLOEXEC shows as O_CLOEXEC.
  const flags = /^flags:\s+(\d+)$/m.exec(
    Deno.readTextFileSync(`/proc/self/fdinfo/${ours.number}`),
  )?.[1];
  assert.equal(parseInt(flags ?? "", 8) & 0o2000000, 0o2000000);
  assert.ok(statusFlags(ours.number) >= 0);
});

for (const value of ["x", "-1", "1e3", " 3", "99999", "2000000000"]) {
  Deno.test(`WAYLAND_SOCKET=${JSON.stringify(value)} is refused, and not tried again`, () => {
    const variables = environment({ WAYLAND_SOCKET: value });
    assert.throws(() => hostAddress(variables), StartupError);
    assert.equal(hostAddress(variables).kind, "path");
  });
}

Deno.test("WAYLAND_SOCKET is refused where the descriptor is a file", () => {
  using file = Deno.openSync("/dev/null");
  const link = [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => name)
    .find((name) => {
      try {
        return Deno.readLinkSync(`/proc/self/fd/${name}`) === "/dev/null" &&
          Number(name) > 2;
      } catch {
        return false;
      }
    });
  assert.ok(link !== undefined && file.statSync().isCharDevice);
  assert.throws(
    () => hostAddress(environment({ WAYLAND_SOCKET: link })),
    /file descriptor \d+ is not a connected socket/,
  );
});
