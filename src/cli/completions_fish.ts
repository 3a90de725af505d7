/**
 * The completion script for fish.
 */

import { suppressClassNames } from "../log/suppress.ts";
import {
  flagParts,
  longNames,
  type OptionDefinition,
  optionDefinitions,
  takesValue,
} from "./option_table.ts";

/** The script; `globals` are what `--allow` and `--deny` take. */
export function fishScript(globals: readonly string[]): string {
  const quote = (text: string): string =>
    `'${text.replaceAll(/(['\\])/g, "\\$1")}'`;
  const inProxy = "__wayferry_in_proxy";
  const value = ({ completes }: OptionDefinition): string => {
    if (completes === undefined) return " -x";
    switch (completes) {
      case "classes":
        return ` -x -a '(__fish_append , ${suppressClassNames.join(" ")})'`;
      case "global":
        return ` -x -a ${quote(globals.join(" "))}`;
      case "file":
        return " -r -F";
      case "command":
        return " -x -a '(__fish_complete_command)'";
    }
  };
  const lines = ["wayferry", "wayland-proxy-virtwl"].flatMap((program) => [
    ...optionDefinitions.map((definition) => {
      const { short, long, placeholder } = flagParts(definition.flags);
      const names = (short === undefined ? "" : ` -s ${short.slice(1)}`) +
        ` -l ${long.slice(2)}`;
      return `complete -c ${program} -n ${inProxy}${names}${
        placeholder === undefined ? "" : value(definition)
      } -d ${quote(definition.summary)}`;
    }),
    `complete -c ${program} -n ${inProxy} -l help -d 'Print help'`,
    `complete -c ${program} -n ${inProxy} -x -a '(__wayferry_command)'`,
  ]);
  return `# fish completion for wayferry and wayland-proxy-virtwl

# The words after the program's name and, for wayferry, after "proxy"; fails if the line does not run the proxy.
function __wayferry_words
    set -l words (commandline -opc)
    if string match -q '*wayland-proxy-virtwl' -- $words[1]
        set -e words[1]
    else if test "$words[2]" = proxy
        set -e words[1..2]
    else
        return 1
    end
    if set -q words[1]
        printf '%s\\n' $words
    end
    return 0
end

# Prints the command and its arguments, as far as the user has typed them.
function __wayferry_typed_command
    set -l words (__wayferry_words); or return
    while set -q words[1]
        switch $words[1]
            case --
                set -e words[1]
                break
            case ${longNames(takesValue).join(" ")}
                set -e words[1]
                set -q words[1]; and set -e words[1]
            case '-*'
                set -e words[1]
            case '*'
                break
        end
    end
    set -q words[1]; and printf '%s\\n' $words
end

function __wayferry_in_proxy
    __wayferry_words >/dev/null; or return
    test (count (__wayferry_typed_command)) -eq 0; and not contains -- -- (commandline -opc)
end

function __wayferry_command
    set -l typed (__wayferry_typed_command)
    if test (count $typed) -eq 0
        __fish_complete_command
    else
        complete -C (string join ' ' -- (string escape -- $typed) (commandline -ct))
    end
end

function __wayferry_in_command
    __wayferry_words >/dev/null; or return
    not __wayferry_in_proxy
end

complete -c wayferry -n __fish_use_subcommand -f -l version -d 'Print the version'
complete -c wayferry -n __fish_use_subcommand -f -s h -l help -d 'Print help'
complete -c wayferry -n __fish_use_subcommand -f -a proxy -d 'Run or serve applications'
complete -c wayferry -n __fish_use_subcommand -f -a doctor -d 'Report what this machine lacks'
complete -c wayferry -n __fish_use_subcommand -f -a completions -d 'Print completions'
complete -c wayferry -n __fish_use_subcommand -f -a help -d 'Explain a command'
complete -c wayferry -n '__fish_seen_subcommand_from completions' -f -a 'bash zsh fish'
complete -c wayferry -n '__fish_seen_subcommand_from help' -f -a 'proxy doctor completions'
${lines.join("\n")}
complete -c wayferry -n __wayferry_in_command -x -a '(__wayferry_command)'
complete -c wayland-proxy-virtwl -n __wayferry_in_command -x -a '(__wayferry_command)'
`;
}
