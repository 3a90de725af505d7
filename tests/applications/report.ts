/**
 * The results of the application tests as tables in docs/applications.md.
 *
 * By itself, `deno task applications`, it runs the tests on this machine and
 * writes the first table.
 */
import { runCommand } from "../support/process.ts";

const DOCUMENT = new URL("../../docs/applications.md", import.meta.url);

/** The titles of tests that are of one program on one host. */
const TITLE =
  /^on (\w+), (.*) (?:looks and behaves through the proxy as it does|is shown and told the same through the proxy as it is) directly$/;

export interface Result {
  /**
   * The host's name, or "" for a test that is not of one program on one host.
   */
  readonly host: string;
  /** The program, or the test's whole title. */
  readonly subject: string;
  readonly outcome: "as direct" | "fails" | "not run";
}

/** Reads the results that `deno test --junit-path` has written. */
export function parseJUnit(xml: string): Result[] {
  return [
    ...xml.matchAll(
      /<testcase name="([^"]*)"[^>]*?(?:\/>|>([^]*?)<\/testcase>)/g,
    ),
  ].map((match) => {
    const title = unescapeXml(match[1] ?? "");
    const body = match[2] ?? "";
    const outcome = body.includes("<failure")
      ? "fails"
      : body.includes("<skipped")
      ? "not run"
      : "as direct";
    const [, host, subject] = TITLE.exec(title) ?? ["", "", title];
    return { host: host ?? "", subject: subject ?? title, outcome };
  });
}

/**
 * Puts the table under the heading `title`, in place of the one that is there.
 */
export async function writeTable(
  title: string,
  versions: string,
  results: readonly Result[],
): Promise<void> {
  const onHosts = results.filter(({ host }) => host !== "");
  const hosts = [...new Set(onHosts.map(({ host }) => host))];
  const programs = [...new Set(onHosts.map(({ subject }) => subject))];
  const find = (host: string, subject: string): string =>
    results.find((result) => result.host === host && result.subject === subject)
      ?.outcome ?? "";
  const lines = [
    `## ${title}`,
    "",
    `Hosts and versions: ${versions.trim().split("\n").join(", ")}.`,
    "",
    row(["program", ...hosts]),
    row(["---", ...hosts.map(() => "---")]),
    ...programs.map((program) =>
      row([program, ...hosts.map((host) => find(host, program))])
    ),
    "",
    ...results.filter(({ host }) => host === "").map(({ subject, outcome }) =>
      `- ${outcome === "as direct" ? "holds" : outcome}: ${subject}`
    ),
    "",
  ];
  const old = await Deno.readTextFile(DOCUMENT);
  const start = old.indexOf(`## ${title}\n`);
  const next = start < 0 ? -1 : old.indexOf("\n## ", start);
  const before = start < 0 ? `${old.trimEnd()}\n\n` : old.slice(0, start);
  const after = next < 0 ? "" : old.slice(next);
  await Deno.writeTextFile(
    DOCUMENT,
    before + lines.join("\n").trimEnd() + "\n" + after,
  );
  await runCommand([Deno.execPath(), "fmt", "-q", DOCUMENT.pathname]);
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function unescapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    amp: "&",
    lt: "<",
    gt: ">",
    quot: '"',
    apos: "'",
  };
  return text.replace(
    /&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi,
    (whole, hex, decimal, name) => {
      if (hex !== undefined) return String.fromCodePoint(parseInt(hex, 16));
      if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
      return entities[name] ?? whole;
    },
  );
}

async function main(): Promise<void> {
  const results = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const folder = new URL(".", import.meta.url).pathname;
    const status = await new Deno.Command(Deno.execPath(), {
      args: ["test", "-A", `--junit-path=${results}`, folder],
      stdin: "null",
    }).spawn().status;
    const query = [
      "dpkg-query",
      "-W",
      "-f=${Package} ${Version}\\n",
      "sway",
      "weston",
    ];
    await writeTable(
      "Debian 12",
      (await runCommand(query)).text,
      parseJUnit(await Deno.readTextFile(results)),
    );
    Deno.exitCode = status.code;
  } finally {
    await Deno.remove(results);
  }
}

if (import.meta.main) main();
