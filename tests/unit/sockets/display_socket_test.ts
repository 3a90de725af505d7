/** A display's socket and its lock file. */

import assert from "node:assert/strict";
import { connectUnix, listenUnix } from "../../../ffi/unix_socket.ts";
import {
  DisplayInUseError,
  openDisplaySocket,
  openFreeDisplaySocket,
} from "../../../src/sockets/display_socket.ts";
import { StartupError } from "../../../src/sockets/startup_error.ts";
import { makeScratch } from "../../support/scratch.ts";

/** An empty runtime directory. */
class Runtime implements Disposable {
  readonly #scratch = makeScratch("display");
  readonly folder = this.#scratch.path;
  readonly environment = new Map([["XDG_RUNTIME_DIR", this.folder]]);

  get files(): string[] {
    return [...Deno.readDirSync(this.folder)].map(({ name }) => name).sort();
  }

  open(display: string): ReturnType<typeof openDisplaySocket> {
    return openDisplaySocket(display, this.environment);
  }

  [Symbol.dispose](): void {
    this.#scratch[Symbol.dispose]();
  }
}

Deno.test("a display has a socket and a lock file, and takes both along", () => {
  using runtime = new Runtime();
  const socket = runtime.open("wayland-1");
  assert.equal(socket.display, "wayland-1");
  assert.equal(socket.path, `${runtime.folder}/wayland-1`);
  assert.deepEqual(runtime.files, ["wayland-1", "wayland-1.lock"]);
  connectUnix(socket.path)[Symbol.dispose]();
  socket[Symbol.dispose]();
  assert.deepEqual(runtime.files, []);
  socket[Symbol.dispose]();
});

Deno.test("applications get the absolute path of a display that is a path", () => {
  using runtime = new Runtime();
  using socket = runtime.open(
    `${runtime.folder}/../${runtime.folder.split("/").pop()}/x`,
  );
  assert.equal(socket.display, `${runtime.folder}/x`);
});

Deno.test("a display that is served already is left alone", () => {
  using runtime = new Runtime();
  using first = runtime.open("wayland-1");
  assert.throws(
    () => runtime.open("wayland-1"),
    {
      constructor: DisplayInUseError,
      message:
        `A server is already listening on "${runtime.folder}/wayland-1"!`,
    },
  );
  assert.deepEqual(runtime.files, ["wayland-1", "wayland-1.lock"]);
  connectUnix(first.path)[Symbol.dispose]();
});

Deno.test("a server without a lock file is noticed, and no lock file stays", () => {
  using runtime = new Runtime();
  using _server = listenUnix(`${runtime.folder}/wayland-1`, 1);
  assert.throws(() => runtime.open("wayland-1"), DisplayInUseError);
  assert.deepEqual(runtime.files, ["wayland-1"]);
});

Deno.test("a server whose queue is full counts as one", () => {
  using runtime = new Runtime();
  using _server = listenUnix(`${runtime.folder}/wayland-1`, 0);
  using _waiting = connectUnix(`${runtime.folder}/wayland-1`);
  assert.throws(() => runtime.open("wayland-1"), DisplayInUseError);
});

Deno.test("what a server that died left behind is replaced", () => {
  using runtime = new Runtime();
  listenUnix(`${runtime.folder}/wayland-1`, 1)[Symbol.dispose]();
  Deno.writeTextFileSync(`${runtime.folder}/wayland-1.lock`, "");
  {
    using socket = runtime.open("wayland-1");
    connectUnix(socket.path)[Symbol.dispose]();
  }
  assert.deepEqual(runtime.files, []);
});

Deno.test("a file that is no socket is not removed", () => {
  using runtime = new Runtime();
  Deno.writeTextFileSync(`${runtime.folder}/wayland-1`, "precious");
  assert.throws(
    () => runtime.open("wayland-1"),
    {
      constructor: StartupError,
      message: /a file of that name exists and is not a socket/,
    },
  );
  assert.equal(
    Deno.readTextFileSync(`${runtime.folder}/wayland-1`),
    "precious",
  );
  assert.deepEqual(runtime.files, ["wayland-1"]);
});

Deno.test("a lock file that is a link is not followed", () => {
  using runtime = new Runtime();
  Deno.symlinkSync(
    `${runtime.folder}/elsewhere`,
    `${runtime.folder}/wayland-1.lock`,
  );
  assert.throws(() => runtime.open("wayland-1"), StartupError);
  assert.deepEqual(runtime.files, ["wayland-1.lock"]);
});

Deno.test("a folder that does not exist is told", () => {
  using runtime = new Runtime();
  assert.throws(
    () => runtime.open(`${runtime.folder}/missing/socket`),
    /^StartupError: Cannot listen on ".*\/missing\/socket": .*No such file or directory/,
  );
});

Deno.test("the socket of another server that took the name over is left alone", () => {
  using runtime = new Runtime();
  const socket = runtime.open("wayland-1");
  Deno.removeSync(`${runtime.folder}/wayland-1`);
  Deno.removeSync(`${runtime.folder}/wayland-1.lock`);
  using other = runtime.open("wayland-1");
  socket[Symbol.dispose]();
  connectUnix(other.path)[Symbol.dispose]();
  assert.deepEqual(runtime.files, ["wayland-1", "wayland-1.lock"]);
});

Deno.test("a free display is found behind those in use and the host's", () => {
  using runtime = new Runtime();
  using _first = runtime.open("wayland-1");
  using _third = listenUnix(`${runtime.folder}/wayland-3`, 1);
  using free = openFreeDisplaySocket(
    runtime.environment,
    `${runtime.folder}/wayland-2`,
  );
  assert.equal(free.display, "wayland-4");
});

Deno.test("where no display is free, that is told", () => {
  using runtime = new Runtime();
  using stack = new DisposableStack();
  for (let number = 1; number <= 32; number++) {
    stack.use(runtime.open(`wayland-${number}`));
  }
  assert.throws(
    () => openFreeDisplaySocket(runtime.environment, "/nowhere"),
    /all displays from wayland-1 to wayland-32 are in use/,
  );
});
