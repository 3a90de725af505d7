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

/** Calls `body` with an empty runtime directory. */
function withRuntime(
  body: (folder: string, environment: Map<string, string>) => void,
): void {
  using scratch = makeScratch("display");
  body(scratch.path, new Map([["XDG_RUNTIME_DIR", scratch.path]]));
}

function files(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

Deno.test("a display has a socket and a lock file, and takes both along", () => {
  withRuntime((folder, environment) => {
    const socket = openDisplaySocket("wayland-1", environment);
    assert.equal(socket.display, "wayland-1");
    assert.equal(socket.path, `${folder}/wayland-1`);
    assert.deepEqual(files(folder), ["wayland-1", "wayland-1.lock"]);
    connectUnix(socket.path)[Symbol.dispose]();
    socket[Symbol.dispose]();
    assert.deepEqual(files(folder), []);
    socket[Symbol.dispose]();
  });
});

Deno.test("applications get the absolute path of a display that is a path", () => {
  withRuntime((folder, environment) => {
    using socket = openDisplaySocket(
      `${folder}/../${folder.split("/").pop()}/x`,
      environment,
    );
    assert.equal(socket.display, `${folder}/x`);
  });
});

Deno.test("a display that is served already is left alone", () => {
  withRuntime((folder, environment) => {
    using first = openDisplaySocket("wayland-1", environment);
    assert.throws(
      () => openDisplaySocket("wayland-1", environment),
      (error) => {
        assert.ok(error instanceof DisplayInUseError);
        assert.equal(
          error.message,
          `A server is already listening on "${folder}/wayland-1"!`,
        );
        return true;
      },
    );
    assert.deepEqual(files(folder), ["wayland-1", "wayland-1.lock"]);
    connectUnix(first.path)[Symbol.dispose]();
  });
});

Deno.test("a server without a lock file is noticed, and no lock file stays", () => {
  withRuntime((folder, environment) => {
    using _server = listenUnix(`${folder}/wayland-1`, 1);
    assert.throws(
      () => openDisplaySocket("wayland-1", environment),
      DisplayInUseError,
    );
    assert.deepEqual(files(folder), ["wayland-1"]);
  });
});

Deno.test("a server whose queue is full counts as one", () => {
  withRuntime((folder, environment) => {
    using _server = listenUnix(`${folder}/wayland-1`, 0);
    using _waiting = connectUnix(`${folder}/wayland-1`);
    assert.throws(
      () => openDisplaySocket("wayland-1", environment),
      DisplayInUseError,
    );
  });
});

Deno.test("what a server that died left behind is replaced", () => {
  withRuntime((folder, environment) => {
    listenUnix(`${folder}/wayland-1`, 1)[Symbol.dispose]();
    Deno.writeTextFileSync(`${folder}/wayland-1.lock`, "");
    {
      using socket = openDisplaySocket("wayland-1", environment);
      connectUnix(socket.path)[Symbol.dispose]();
    }
    assert.deepEqual(files(folder), []);
  });
});

Deno.test("a file that is no socket is not removed", () => {
  withRuntime((folder, environment) => {
    Deno.writeTextFileSync(`${folder}/wayland-1`, "precious");
    assert.throws(
      () => openDisplaySocket("wayland-1", environment),
      (error) => {
        assert.ok(
          error instanceof StartupError &&
            !(error instanceof DisplayInUseError),
        );
        assert.match(
          error.message,
          /a file of that name exists and is not a socket/,
        );
        return true;
      },
    );
    assert.equal(Deno.readTextFileSync(`${folder}/wayland-1`), "precious");
    assert.deepEqual(files(folder), ["wayland-1"]);
  });
});

Deno.test("a lock file that is a link is not followed", () => {
  withRuntime((folder, environment) => {
    Deno.symlinkSync(`${folder}/elsewhere`, `${folder}/wayland-1.lock`);
    assert.throws(
      () => openDisplaySocket("wayland-1", environment),
      StartupError,
    );
    assert.deepEqual(files(folder), ["wayland-1.lock"]);
  });
});

Deno.test("a folder that does not exist is told", () => {
  withRuntime((folder, environment) => {
    assert.throws(
      () => openDisplaySocket(`${folder}/missing/socket`, environment),
      /^StartupError: Cannot listen on ".*\/missing\/socket": .*No such file or directory/,
    );
  });
});

Deno.test("the socket of another server that took the name over is left alone", () => {
  withRuntime((folder, environment) => {
    const socket = openDisplaySocket("wayland-1", environment);
    Deno.removeSync(`${folder}/wayland-1`);
    Deno.removeSync(`${folder}/wayland-1.lock`);
    using other = openDisplaySocket("wayland-1", environment);
    socket[Symbol.dispose]();
    connectUnix(other.path)[Symbol.dispose]();
    assert.deepEqual(files(folder), ["wayland-1", "wayland-1.lock"]);
  });
});

Deno.test("a free display is found behind those in use and the host's", () => {
  withRuntime((folder, environment) => {
    using _first = openDisplaySocket("wayland-1", environment);
    using _third = listenUnix(`${folder}/wayland-3`, 1);
    using free = openFreeDisplaySocket(environment, `${folder}/wayland-2`);
    assert.equal(free.display, "wayland-4");
  });
});

Deno.test("where no display is free, that is told", () => {
  withRuntime((_folder, environment) => {
    using stack = new DisposableStack();
    for (let number = 1; number <= 32; number++) {
      stack.use(openDisplaySocket(`wayland-${number}`, environment));
    }
    assert.throws(
      () => openFreeDisplaySocket(environment, "/nowhere"),
      /all displays from wayland-1 to wayland-32 are in use/,
    );
  });
});
