/**
 * Completions for the shells, made from the table of options. They serve both
 * names of the program.
 *
 * After `--`, and after the name of the command, the command's own completions
 * take over.
 */

import { bashScript } from "./completions_bash.ts";
import { fishScript } from "./completions_fish.ts";
import { zshScript } from "./completions_zsh.ts";
import type { Shell } from "./invocation.ts";

/**
 * The completion script for a shell.
 *
 * @param globals the names that `--allow` and `--deny` take
 */
export function completionScript(
  shell: Shell,
  globals: readonly string[],
): string {
  switch (shell) {
    case "bash":
      return bashScript(globals);
    case "zsh":
      return zshScript(globals);
    case "fish":
      return fishScript(globals);
  }
}
