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

const expectations: {
  what: string;
  line: string;
  includes: string[];
  excludes?: string[];
}[] = [
  {
    what: "the commands of wayferry",
    line: "wayferry ",
    includes: ["proxy", "doctor", "completions", "help"],
    excludes: ["--tag"],
  },
  {
    what: "shells",
    line: "wayferry completions ",
    includes: ["bash", "zsh", "fish"],
  },
  {
    what: "topics of help",
    line: "wayferry help ",
    includes: ["proxy", "doctor", "completions"],
  },
  {
    what: "options of the drop-in",
    line: "wayland-proxy-virtwl --x",
    includes: ["--x-display", "--x-unscale", "--xrdb", "--xwayland-binary"],
    excludes: ["--tag"],
  },
  {
    what: "options of wayferry proxy",
    line: "wayferry proxy --verbose --log-r",
    includes: ["--log-ring-path", "--log-ring-size"],
    excludes: ["--log-suppress"],
  },
  {
    what: "names of globals",
    line: "wayferry proxy --allow=wl_s",
    includes: ["wl_seat", "wl_shm"],
    excludes: ["xdg_wm_base"],
  },
  {
    what: "the classes of a list",
    line: "wayferry proxy --log-suppress=motion,d",
    includes: ["delete", "drawing"],
    excludes: ["motion", "shm"],
  },
  {
    what: "programs to run",
    line: "wayland-proxy-virtwl --tag=x gre",
    includes: ["grep"],
  },
  {
    what: "programs behind --",
    line: "wayferry proxy -- gre",
    includes: ["grep"],
    excludes: ["--tag"],
  },
  {
    what: "files",
    line: "wayferry proxy --log-ring-path=some",
    includes: ["some file"],
  },
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
  for (const { what, line, includes, excludes = [] } of expectations) {
    Deno.test(`${shell} completes ${what}`, async () => {
      await requirePrograms([{ program: shell, package: shell }]);
      const offered = (await complete(shell, line)).map(bare);
      for (const candidate of includes) {
        assert.ok(
          offered.includes(candidate),
          `${candidate} is missing: ${offered}`,
        );
      }
      for (const candidate of excludes) {
        assert.ok(
          !offered.includes(candidate),
          `${candidate} is offered: ${offered}`,
        );
      }
    });
  }
}
