/**
 * Long texts, a screenful at a time.
 */

import { writeOutput } from "./standard_streams.ts";

/**
 * Shows a text in $MANPAGER or $PAGER, or in less; where there is none, or no
 * terminal, it is simply written.
 */
export function page(text: string): void {
  const pager = Deno.env.get("MANPAGER") || Deno.env.get("PAGER") || "less";
  if (!Deno.stdout.isTerminal() || !runPager(pager, text)) writeOutput(text);
}

/** @returns false where the pager cannot be run. */
function runPager(pager: string, text: string): boolean {
  const file = Deno.makeTempFileSync({ prefix: "wayferry-help-" });
  try {
    Deno.writeTextFileSync(file, text);
    // The variables hold shell commands, such as "less -R".
    const { code } = new Deno.Command("sh", {
      args: ["-c", `${pager} <"$1"`, "sh", file],
      stdin: "inherit",
      stdout: "inherit",
      stderr: "null",
    }).outputSync();
    return code === 0;
  } finally {
    Deno.removeSync(file);
  }
}
