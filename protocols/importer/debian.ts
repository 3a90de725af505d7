/**
 * Fetches packages of Debian's newest suite without installing them, with a
 * temporary apt configuration made from this machine's own: the same mirror,
 * another suite, its own lists and cache.
 */

import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const SUITE = "sid";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** A command of apt or dpkg that failed. */
export class PackageError extends Error {
  override readonly name = "PackageError";
}

/** A package's unpacked files. */
export interface UnpackedPackage {
  readonly version: string;
  readonly folder: string;
}

/**
 * Debian's newest suite, with its lists in a folder of the caller's, who
 * removes it.
 */
export class DebianSuite {
  readonly #folder: string;
  readonly #options: readonly string[];
  readonly #unpacked = new Map<string, UnpackedPackage>();

  constructor(folder: string, options: readonly string[]) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Writes the configuration into `folder` and fetches the suite's lists. */
  static open(folder: string): DebianSuite {
    for (const name of ["lists/partial", "cache/archives/partial"]) {
      mkdirSync(join(folder, name), { recursive: true });
    }
    const sourceList = join(folder, "suite.sources");
    writeFileSync(
      sourceList,
      [
        "Types: deb deb-src",
        `URIs: ${configuredMirror()}`,
        `Suites: ${SUITE}`,
        "Components: main",
        `Signed-By: ${KEYRING}`,
        "",
      ].join("\n"),
    );
    const settings = {
      "Dir::Etc::SourceList": sourceList,
      "Dir::Etc::SourceParts": "/dev/null",
      "Dir::State::Lists": join(folder, "lists"),
      "Dir::State::Status": "/dev/null",
      "Dir::Cache": join(folder, "cache"),
      "APT::Sandbox::User": "root",
    };
    const options = Object.entries(settings).flatMap(([name, value]) => [
      "-o",
      `${name}=${value}`,
    ]);
    run("apt-get", [...options, "-q", "update"], folder);
    return new DebianSuite(folder, options);
  }

  /**
   * Downloads and unpacks a package, once; of a source package the upstream
   * archive.
   */
  unpack(type: "binary" | "source", packageName: string): UnpackedPackage {
    const key = `${type} ${packageName}`;
    const unpacked = this.#unpacked.get(key) ??
      (type === "binary"
        ? this.#unpackBinary(packageName)
        : this.#unpackSource(packageName));
    this.#unpacked.set(key, unpacked);
    return unpacked;
  }

  #unpackBinary(packageName: string): UnpackedPackage {
    const download = this.#makeFolder(`download-${packageName}`);
    run("apt-get", [...this.#options, "-q", "download", packageName], download);
    const archive = onlyFile(download, /\.deb$/);
    const folder = this.#makeFolder(packageName);
    run("dpkg-deb", ["-x", archive, folder], download);
    const version = run("dpkg-deb", ["-f", archive, "Version"], download);
    return { version: version.trim(), folder };
  }

  #unpackSource(packageName: string): UnpackedPackage {
    const download = this.#makeFolder(`download-${packageName}-source`);
    const action = ["source", "--download-only", "--tar-only", packageName];
    run("apt-get", [...this.#options, "-q", ...action], download);
    const archive = onlyFile(download, /\.orig\.tar\.\w+$/);
    const folder = this.#makeFolder(`${packageName}-source`);
    run(
      "tar",
      ["-xf", archive, "--strip-components=1", "-C", folder],
      download,
    );
    const version = /_(.+)\.orig\.tar\.\w+$/.exec(archive)?.[1] ?? "";
    return { version, folder };
  }

  #makeFolder(name: string): string {
    const folder = join(this.#folder, name);
    mkdirSync(folder);
    return folder;
  }
}

/**
 * The mirror that this machine's apt takes Debian's main archive from.
 *
 * @throws {PackageError}
 */
export function configuredMirror(): string {
  const targets = run("apt-get", [
    "indextargets",
    "--format",
    "$(ORIGIN) $(LABEL) $(REPO_URI)",
    "Created-By: Packages",
  ], ".");
  const mirror = targets.split("\n").flatMap((line) => {
    const [origin, label, uri] = line.split(" ");
    return origin === "Debian" && label === "Debian" && uri !== undefined
      ? [uri]
      : [];
  })[0];
  if (mirror === undefined) {
    throw new PackageError(
      "Cannot find Debian's mirror: apt knows no Debian archive; run `apt-get update` on a Debian system first",
    );
  }
  return mirror;
}

function onlyFile(folder: string, pattern: RegExp): string {
  const files = readdirSync(folder).filter((file) => pattern.test(file));
  const [file] = files;
  if (file === undefined || files.length > 1) {
    throw new PackageError(
      `Cannot choose the archive in ${folder}: found ${
        files.join(", ") || "none"
      }`,
    );
  }
  return join(folder, file);
}

function run(command: string, args: readonly string[], cwd: string): string {
  const { success, stdout, stderr } = new Deno.Command(command, {
    args: [...args],
    cwd,
    stdin: "null",
  }).outputSync();
  if (!success) {
    throw new PackageError(
      `Cannot run ${command} ${args.join(" ")}: ${
        new TextDecoder().decode(stderr).trim()
      }`,
    );
  }
  return new TextDecoder().decode(stdout);
}
