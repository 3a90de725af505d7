/**
 * The house, as the README has it: imports point down its list, never up, and
 * there are no circles.
 *
 * Imports of types count: whoever reads a file has to know what it imports,
 * whether or not it runs.
 */

import assert from "node:assert/strict";
import { makeScratch } from "./support/scratch.ts";

const project = new URL("../", import.meta.url).pathname;

/**
 * From the roof to the ground. What stands nowhere here is no part of the
 * program, and must not be imported by it.
 */
const layers = [
  "main.ts",
  "src/cli/",
  "src/programs/",
  "src/xwm/",
  "src/relay/features/",
  "src/relay/",
  "src/policy/",
  "src/host/",
  "src/xwayland/",
  "src/virtgpu/",
  "src/x11/",
  "src/sockets/",
  "src/wayland/",
  "src/log/",
  "src/loop/",
  "protocols/",
  "ffi/",
] as const;

/**
 * Folders of the features, and the folders beside them that each may import.
 */
const featureFolders: Readonly<Record<string, readonly string[]>> = {
  surface: [],
  shm: [],
  backing: ["shm"],
  shadow: ["backing", "shm", "surface"],
  dmabuf: ["surface"],
  presentation: ["surface"],
};

const FEATURES = "src/relay/features/";

/** Packages, and the only files that may know them. */
const packages: Readonly<Record<string, readonly string[]>> = {
  "@commander-js/extra-typings": ["src/cli/parser.ts"],
  "@rgrove/parse-xml": ["protocols/generator/", "protocols/importer/"],
};

/**
 * One import: the paths of both files from the project's folder; for a package
 * or a built-in module, its specifier.
 */
interface Import {
  readonly from: string;
  readonly to: string;
}

/** The position of a file's layer in the list, or -1. */
function layerOf(path: string): number {
  return layers.findIndex((layer) =>
    layer.endsWith("/") ? path.startsWith(layer) : path === layer
  );
}

/** All TypeScript files of the program below `root`. */
function sources(root: string, folder = ""): string[] {
  const files: string[] = [];
  for (const entry of Deno.readDirSync(`${root}${folder}`)) {
    const path = `${folder}${entry.name}`;
    const isPart = layers.some((layer) =>
      layer.startsWith(`${path}/`) || path.startsWith(layer)
    );
    if (!isPart) continue;
    if (entry.isDirectory) files.push(...sources(root, `${path}/`));
    else if (path.endsWith(".ts")) files.push(path);
  }
  return files.sort();
}

/** What `deno info --json` says of a module, as far as it is read here. */
interface ModuleInfo {
  readonly specifier: string;
  readonly error?: string;
  readonly dependencies?: readonly {
    readonly specifier: string;
    readonly code?: { readonly specifier?: string };
    readonly type?: { readonly specifier?: string };
  }[];
}

/** The imports of these files, as Deno resolves them. */
async function importsOf(
  root: string,
  files: readonly string[],
): Promise<Import[]> {
  using scratch = makeScratch("architecture");
  const entry = `${scratch.path}/all.ts`;
  Deno.writeTextFileSync(
    entry,
    files.map((file) => `import "file://${root}${file}";\n`).join(""),
  );
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "info",
      "--json",
      "--no-lock",
      "--config",
      `${project}deno.json`,
      entry,
    ],
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  const { modules }: { modules: readonly ModuleInfo[] } = JSON.parse(
    new TextDecoder().decode(stdout),
  );
  const imports: Import[] = [];
  for (const { specifier, error, dependencies = [] } of modules) {
    const from = pathOf(root, specifier);
    if (!files.includes(from)) continue;
    assert.equal(error, undefined);
    for (const { specifier: written, code, type } of dependencies) {
      const to = code?.specifier ?? type?.specifier ?? written;
      imports.push({
        from,
        to: to.startsWith("file:") ? pathOf(root, to) : written,
      });
    }
  }
  return imports;
}

function pathOf(root: string, specifier: string): string {
  return specifier.replace(`file://${root}`, "");
}

/** The folder of a file, with the slash at its end. */
function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

/** The folder of features that a file is in, or null. */
function featureFolderOf(path: string): string | null {
  if (!path.startsWith(FEATURES)) return null;
  return Object.keys(featureFolders).find((name) =>
    path.startsWith(`${FEATURES}${name}/`)
  ) ?? null;
}

/**
 * What is wrong with these imports, in words; `files` are all files of the
 * program.
 */
function violations(
  files: readonly string[],
  imports: readonly Import[],
): string[] {
  const found: string[] = [];
  const faces = files.filter((file) => file.endsWith("/mod.ts")).map(folderOf);
  for (const { from, to } of imports) {
    const isFile = to.endsWith(".ts") || to.endsWith(".json");
    if (isFile) {
      for (const folder of faces) {
        if (
          to.startsWith(folder) && to !== `${folder}mod.ts` &&
          !from.startsWith(folder)
        ) found.push(`${from} imports ${to} past ${folder}mod.ts`);
      }
      const [room, next] = [featureFolderOf(from), featureFolderOf(to)];
      if (
        room !== null && next !== null && room !== next &&
        !featureFolders[room]?.includes(next)
      ) found.push(`${from} imports ${to}, which ${room}/ must not know`);
      const [above, below] = [layerOf(from), layerOf(to)];
      if (below < 0) {
        if (!(to === "deno.json" && from.startsWith("src/cli/"))) {
          found.push(`${from} imports ${to}, which is no part of the program`);
        }
      } else if (below < above) {
        found.push(`${from} imports ${to}, which is above it`);
      }
    } else if (!to.startsWith("node:")) {
      const allowed = packages[to] ?? [];
      if (!allowed.some((place) => from.startsWith(place))) {
        found.push(`${from} imports the package ${to}`);
      }
    }
  }
  return [...found, ...circles(imports)];
}

/**
 * The circles of imports, each once, beginning with its first file in the order
 * of the alphabet.
 */
function circles(imports: readonly Import[]): string[] {
  const targets = new Map<string, string[]>();
  for (const { from, to } of imports) {
    targets.set(from, [...targets.get(from) ?? [], to]);
  }
  const found = new Set<string>();
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) {
      const circle = path.slice(start);
      const first = circle.indexOf([...circle].sort()[0] ?? "");
      const turned = [...circle.slice(first), ...circle.slice(0, first)];
      found.add(`${[...turned, turned[0]].join(" imports ")}`);
      return;
    }
    if (done.has(file)) return;
    for (const next of targets.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of [...targets.keys()].sort()) visit(file, []);
  return [...found];
}

Deno.test("imports point down the list of layers, and there are no circles", async () => {
  const files = sources(project);
  assert.ok(files.length > 50, "the sources were not found");
  const imports = await importsOf(project, files);
  assert.ok(imports.length > files.length, "the imports were not found");
  assert.deepEqual(violations(files, imports), []);
});

Deno.test("every folder of sources has a place in the list of layers", () => {
  const folders = [...Deno.readDirSync(`${project}src`)].map(({ name }) =>
    `src/${name}/`
  );
  assert.deepEqual(folders.filter((folder) => layerOf(folder) < 0), []);
});

Deno.test("a mod.ts names what is public, and every folder of features has one and a place among the others", () => {
  for (const file of sources(project)) {
    if (!file.endsWith("/mod.ts")) continue;
    assert.doesNotMatch(Deno.readTextFileSync(project + file), /export \*/);
  }
  const folders = [...Deno.readDirSync(project + FEATURES)].filter((
    { isDirectory },
  ) => isDirectory).map(({ name }) => name);
  assert.deepEqual(folders.sort(), Object.keys(featureFolders).sort());
  for (const name of folders) {
    Deno.statSync(`${project}${FEATURES}${name}/mod.ts`);
  }
});

/** What one could write, and what is to be found. */
const planted: {
  what: string;
  files: Record<string, string>;
  found: string[];
}[] = [
  {
    what: "nothing, where all is well",
    files: {
      "src/cli/main.ts": 'import "../loop/loop.ts";',
      "src/loop/loop.ts":
        'import "./timers.ts"; import "../../ffi/fd.ts"; import "node:path";',
      "src/loop/timers.ts": "",
      "ffi/fd.ts": "",
    },
    found: [],
  },
  {
    what: "an import that points up",
    files: {
      "src/loop/loop.ts": 'import "../log/log.ts";',
      "src/log/log.ts": "",
    },
    found: ["src/loop/loop.ts imports src/log/log.ts, which is above it"],
  },
  {
    what: "an import of a type that points up",
    files: {
      "ffi/fd.ts":
        'import type { Loop } from "../src/loop/loop.ts"; export type Fd = Loop;',
      "src/loop/loop.ts": "export type Loop = number;",
    },
    found: ["ffi/fd.ts imports src/loop/loop.ts, which is above it"],
  },
  {
    what: "a type that is imported where it is used",
    files: {
      "src/wayland/wire.ts":
        'export type Relay = import("../relay/relay.ts").Relay;',
      "src/relay/relay.ts": "export type Relay = number;",
    },
    found: [
      "src/wayland/wire.ts imports src/relay/relay.ts, which is above it",
    ],
  },
  {
    what: "a relay that knows one of its features",
    files: {
      "src/relay/relay.ts": 'export * from "./features/tag.ts";',
      "src/relay/features/tag.ts": "export const tag = 1;",
    },
    found: [
      "src/relay/relay.ts imports src/relay/features/tag.ts, which is above it",
    ],
  },
  {
    what: "an import past a folder's face, and none from inside it",
    files: {
      "src/cli/main.ts": 'import "../host/local/socket.ts";',
      "src/host/local/mod.ts": 'export { a } from "./socket.ts";',
      "src/host/local/other.ts": 'import "./socket.ts";',
      "src/host/local/socket.ts": "export const a = 1;",
    },
    found: [
      "src/cli/main.ts imports src/host/local/socket.ts past src/host/local/mod.ts",
    ],
  },
  {
    what: "a folder of features that knows one it must not",
    files: {
      "src/relay/features/surface/mod.ts": 'export { b } from "../shm/mod.ts";',
      "src/relay/features/shm/mod.ts": "export const b = 1;",
    },
    found: [
      "src/relay/features/surface/mod.ts imports src/relay/features/shm/mod.ts, which surface/ must not know",
    ],
  },
  {
    what: "a program that needs its tests",
    files: {
      "src/cli/main.ts": 'import "../../tests/support.ts";',
      "tests/support.ts": "",
    },
    found: [
      "src/cli/main.ts imports tests/support.ts, which is no part of the program",
    ],
  },
  {
    what: "a package where it is not allowed",
    files: {
      "src/cli/parser.ts": 'import "@commander-js/extra-typings";',
      "src/cli/help.ts": 'import "@commander-js/extra-typings";',
    },
    found: ["src/cli/help.ts imports the package @commander-js/extra-typings"],
  },
  {
    what: "a circle of three, told once",
    files: {
      "src/log/a.ts": 'import "./c.ts";',
      "src/log/b.ts": 'import "./a.ts";',
      "src/log/c.ts": 'import "./b.ts";',
    },
    found: [
      "src/log/a.ts imports src/log/c.ts imports src/log/b.ts imports src/log/a.ts",
    ],
  },
];

for (const { what, files, found } of planted) {
  Deno.test(`the check finds ${what}`, async () => {
    using scratch = makeScratch("planted");
    const root = `${scratch.path}/`;
    for (const [path, text] of Object.entries(files)) {
      Deno.mkdirSync(root + path.slice(0, path.lastIndexOf("/")), {
        recursive: true,
      });
      Deno.writeTextFileSync(root + path, text);
    }
    const all = sources(root);
    assert.deepEqual(violations(all, await importsOf(root, all)), found);
  });
}
