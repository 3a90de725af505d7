// Keeps the measured tables in docs/benchmarks.md up to date.

const path = new URL("../../docs/benchmarks.md", import.meta.url);

/**
 * Puts the text between the document's markers of that name, and leaves the
 * rest as it is.
 */
export function replaceSection(name: string, text: string): void {
  const begin = `<!-- measured: ${name} -->\n`;
  const end = `<!-- end: ${name} -->\n`;
  const document = Deno.readTextFileSync(path);
  const first = document.indexOf(begin);
  const last = document.indexOf(end);
  if (first < 0 || last < first) {
    throw new Error(
      `Cannot update docs/benchmarks.md: it has no section "${name}"`,
    );
  }
  Deno.writeTextFileSync(
    path,
    document.slice(0, first + begin.length) + "\n" + text + "\n" +
      document.slice(last),
  );
  // Line lengths and column widths are its business.
  new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", path.pathname] })
    .outputSync();
}

/** The machine, as a reader of the figures wants to know it. */
export function describeMachine(): string {
  const model = /^model name\s*:\s*(.*)$/m.exec(
    Deno.readTextFileSync("/proc/cpuinfo"),
  )?.[1];
  const system = /^PRETTY_NAME="(.*)"$/m.exec(
    Deno.readTextFileSync("/etc/os-release"),
  )?.[1];
  const processors = navigator.hardwareConcurrency;
  return `${model ?? Deno.build.arch}, ${processors} processors, ${
    system ?? "Linux"
  }, ` +
    `kernel ${Deno.osRelease()}, Deno ${Deno.version.deno}`;
}
