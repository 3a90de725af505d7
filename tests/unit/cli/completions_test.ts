/** Completions, asked of the shells themselves. */

import assert from "node:assert/strict";
import { completionScript } from "../../../src/cli/completions.ts";
import { type Shell, shells } from "../../../src/cli/invocation.ts";
import { requirePrograms } from "../../support/packages.ts";
import { makeScratch } from "../../support/scratch.ts";

const globals = ["wl_seat", "wl_shm", "xdg_wm_base", "zwlr_layer_shell_v1"];

/**
 * The candidates that the shell offers behind `line`, sorted, without
 * descriptions.
 */
async function complete(shell: Shell, line: string): Promise<string[]> {
  using scratch = makeScratch("completions");
  const script = `${scratch.path}/completions`;
  Deno.writeTextFileSync(script, completionScript(shell, globals));
  Deno.writeTextFileSync(`${scratch.path}/some file`, "");
  const { code, stdout, stderr } = await new Deno.Command(shell, {
    args: [...asked[shell], script, line],
    cwd: scratch.path,
    env: { PATH: "/usr/bin:/bin", HOME: scratch.path, TERM: "dumb" },
    clearEnv: true,
    stdin: "null",
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return [
    ...new Set(
      new TextDecoder().decode(stdout).split(/\r?\n/).map((row) =>
        row.split("\t")[0]?.trim() ?? ""
      ),
    ),
  ].filter((candidate) => candidate !== "").sort();
}

/** How each shell is asked; the script and the line follow. */
const asked: Readonly<Record<Shell, readonly string[]>> = {
  bash: [
    "--norc",
    "-c",
    // As readline does it: words end at blanks and around "=".
    `shopt -u sourcepath; source "$0"
    line=$1
    eval "set -- \${line//=/ = }"
    COMP_WORDS=("$@"); [[ $line == *[\\ =] ]] && COMP_WORDS+=("")
    [[ $line == *= ]] && unset "COMP_WORDS[-1]"
    COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
    compopt() { :; }
    case $1 in wayferry) _wayferry ;; *) _wayland_proxy_virtwl ;; esac
    printf '%s\\n' "\${COMPREPLY[@]}"`,
  ],
  zsh: [
    "-f",
    "-c",
    // Zsh completes in its line editor only, so one runs on a pseudo-terminal
    // and lists what it knows.
    `zmodload zsh/zpty
    zpty z zsh -f -i
    zpty -w z "stty -echo rows 200 columns 200; autoload -Uz compinit; compinit -D -u; source $1
      list-and-tell() { zle list-choices; zle -R; print; print LISTED-\\$((40 + 2)) }
      zle -N list-and-tell; bindkey '^T' list-and-tell; LISTMAX=10000; PS1=READY-\\$((40 + 2))"
    zpty -r -m z out '*READY-42*'
    zpty -w -n z "$2"$'\\x14'
    zpty -r -m z out '*LISTED-42*'
    zpty -d z
    print -r -- $out | sed 's/\\x1b\\[[?0-9;]*[a-zA-Z]//g; s/ -- .*//; s/   */\\n/g'`,
    "zsh",
  ],
  fish: [
    "--no-config",
    "-c",
    "source $argv[1]; complete -C $argv[2]",
  ],
};

/** What is completed, behind which line, and with what, or what not. */
const expectations: readonly (readonly [
  what: string,
  line: string,
  included: readonly string[],
  excluded?: readonly string[],
])[] = [
  [
    "the commands of wayferry",
    "wayferry ",
    ["proxy", "doctor", "completions", "help"],
    ["--tag"],
  ],
  ["shells", "wayferry completions ", ["bash", "zsh", "fish"]],
  ["topics of help", "wayferry help ", ["proxy", "doctor", "completions"]],
  [
    "options of the drop-in",
    "wayland-proxy-virtwl --x",
    ["--x-display", "--x-unscale", "--xrdb", "--xwayland-binary"],
    ["--tag"],
  ],
  [
    "options of wayferry proxy",
    "wayferry proxy --verbose --log-r",
    ["--log-ring-path", "--log-ring-size"],
    ["--log-suppress"],
  ],
  [
    "names of globals",
    "wayferry proxy --allow=wl_s",
    ["wl_seat", "wl_shm"],
    ["xdg_wm_base"],
  ],
  [
    "the classes of a list",
    "wayferry proxy --log-suppress=motion,d",
    ["delete", "drawing"],
    ["motion", "shm"],
  ],
  ["programs to run", "wayland-proxy-virtwl --tag=x gre", ["grep"]],
  ["programs behind --", "wayferry proxy -- gre", ["grep"], ["--tag"]],
  ["files", "wayferry proxy --log-ring-path=some", ["some file"]],
];

/**
 * What is compared: without the option it is the value of, the list so far, the
 * "=" that follows, and quotes.
 */
function bare(candidate: string): string {
  return candidate.replace(/^--[\w-]+=(?=.)/, "").replace(/^.*,/, "")
    .replace(/=$/, "").replaceAll("\\", "");
}

for (const shell of shells) {
  for (const [what, line, included, excluded = []] of expectations) {
    Deno.test(`${shell} completes ${what}`, async () => {
      await requirePrograms([{ program: shell, package: shell }]);
      const offered = new Set((await complete(shell, line)).map(bare));
      const missing = included.filter((candidate) => !offered.has(candidate));
      const wrong = excluded.filter((candidate) => offered.has(candidate));
      assert.deepEqual({ missing, wrong }, { missing: [], wrong: [] });
    });
  }
}
