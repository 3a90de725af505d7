/**
 * Writes docs/features.md: which features see which message, and in which
 * order. `deno task features`
 */

import type { Carrier } from "../src/host/endpoint.ts";
import { socketCarrier } from "../src/host/local/mod.ts";
import { virtgpuCarrier } from "../src/host/virtgpu/mod.ts";
import type { Feature } from "../src/relay/feature.ts";
import { standardFeatures } from "../src/relay/features/standard.ts";
import { registryFeature } from "../src/relay/registry.ts";

const project = new URL("../", import.meta.url);
const folder = "src/relay/features/";

/** The ways to a host, and how descriptors cross there. */
const ways: readonly { readonly name: string; readonly carrier: Carrier }[] = [
  { name: "socket", carrier: socketCarrier },
  { name: "virtio-gpu", carrier: virtgpuCarrier("without a GPU") },
  { name: "virtio-gpu with a GPU", carrier: virtgpuCarrier("with a GPU") },
];

const HEAD = `# Features

Which features see which message, in the order in which the relay asks them: the
first that does not answer \`forward\` decides. What no feature names is
forwarded by table. \`deno task features\` writes this page, and a test compares
it.

Why a feature has its place in the list stands beside the list, in
[standard.ts](../src/relay/features/standard.ts).

## In order

`;

/** A feature with the file that it is in, and that file's first sentence. */
interface Described {
  readonly feature: Feature;
  readonly path: string;
  readonly summary: string;
}

/** The page as text. */
export function featuresPage(): string {
  const registry = registryFeature(() => {
    throw new TypeError("Cannot open a feature: this only describes it");
  });
  const features = [registry, ...standardFeatures({ tag: "" })].map(describe);
  const list = features.map(({ feature, path, summary }, index) =>
    `${index + 1}. **${feature.name}** ([${fileName(path)}](../${path}), on ${
      waysOf(feature)
    }): ${summary}\n`
  ).join("");
  return HEAD + list + section(
    "Requests",
    features,
    ({ requests }) => Object.keys(requests),
  ) + section("Events", features, ({ events }) => Object.keys(events)) +
    section(
      "Descriptors in requests, by their kind",
      features,
      ({ descriptors = {} }) => Object.keys(descriptors),
    );
}

function section(
  title: string,
  features: readonly Described[],
  namesOf: (feature: Feature) => readonly string[],
): string {
  const seenBy = new Map<string, string[]>();
  for (const { feature } of features) {
    for (const name of namesOf(feature)) {
      seenBy.set(name, [...seenBy.get(name) ?? [], feature.name]);
    }
  }
  const lines = [...seenBy].sort(([one], [other]) => one < other ? -1 : 1).map((
    [name, names],
  ) => `- \`${name}\`: ${names.join(", ")}\n`);
  return `\n## ${title}\n\n${lines.join("")}`;
}

function describe(feature: Feature): Described {
  const named = `name: ${JSON.stringify(feature.name)}`;
  for (const path of ["src/relay/registry.ts", ...filesBelow(folder)]) {
    const text = Deno.readTextFileSync(new URL(path, project));
    if (text.includes(named)) return { feature, path, summary: summary(text) };
  }
  throw new Error(`Cannot find the feature ${feature.name} below ${folder}`);
}

function filesBelow(path: string): string[] {
  return [...Deno.readDirSync(new URL(path, project))].flatMap((entry) =>
    entry.isDirectory
      ? filesBelow(`${path}${entry.name}/`)
      : [`${path}${entry.name}`]
  ).sort();
}

/** The first sentence of a file's comment. */
function summary(text: string): string {
  const comment = /^\/\*\*(.*?)\*\//s.exec(text)?.[1] ?? "";
  const words = comment.replaceAll(/\s+\*?\s*/g, " ").trim();
  return /^.*?[.:](?= |$)/.exec(words)?.[0].replace(/:$/, ".") ?? words;
}

function fileName(path: string): string {
  return path.startsWith(folder) ? path.slice(folder.length) : path;
}

function waysOf(feature: Feature): string {
  const names = ways.filter(({ carrier }) =>
    feature.appliesTo === undefined || feature.appliesTo(carrier)
  ).map(({ name }) => name);
  if (names.length === ways.length) return "every endpoint";
  const virtgpu = ways.slice(1).map(({ name }) => name);
  return virtgpu.every((name) => names.includes(name))
    ? "virtio-gpu"
    : names.join(" and ");
}

if (import.meta.main) {
  Deno.writeTextFileSync(new URL("docs/features.md", project), featuresPage());
}
