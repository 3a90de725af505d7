// Builds the C programs of the benchmark, with the compiler and the libwayland
// of this machine.

import { BenchError } from "./child.ts";

/** Paths of the built programs. */
export interface Programs {
  readonly host: string;
  readonly client: string;
  readonly forwarder: string;
}

const folder = new URL("programs/", import.meta.url).pathname;

/**
 * Compiles all of them into `directory`.
 *
 * @throws {BenchError} when a compiler or library is missing
 */
export function buildPrograms(directory: string): Programs {
  return {
    host: build(directory, "host", ["host.c"], ["wayland-server"]),
    client: build(
      directory,
      "client",
      ["client.c", "session.c", "flood.c", "swarm.c", "processor_time.c"],
      ["wayland-client"],
    ),
    forwarder: build(directory, "forwarder", ["forwarder.c"], []),
  };
}

function build(
  directory: string,
  name: string,
  sources: readonly string[],
  libraries: readonly string[],
): string {
  const output = `${directory}/${name}`;
  const flags = libraries.length === 0
    ? []
    : run("pkg-config", ["--cflags", "--libs", ...libraries]).trim().split(
      /\s+/,
    );
  const paths = sources.map((source) => folder + source);
  run("gcc", [
    "-O2",
    "-std=gnu11",
    "-Wall",
    "-Wextra",
    "-o",
    output,
    ...paths,
    ...flags,
  ]);
  return output;
}

function run(program: string, args: readonly string[]): string {
  try {
    const { success, stdout, stderr } = new Deno.Command(program, {
      args: [...args],
    })
      .outputSync();
    const decoder = new TextDecoder();
    if (!success) {
      throw new BenchError(`${program} failed:\n${decoder.decode(stderr)}`);
    }
    return decoder.decode(stdout);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new BenchError(
      `${program} is not installed; the benchmark needs gcc, pkg-config and libwayland-dev`,
    );
  }
}
