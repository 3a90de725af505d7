/**
 * The completion script for zsh: to be sourced, or put into $fpath as
 * _wayferry.
 */

import { suppressClassNames } from "../log/suppress.ts";
import {
  flagParts,
  type OptionDefinition,
  optionDefinitions,
} from "./option_table.ts";

/** The script; `globals` are what `--allow` and `--deny` take. */
export function zshScript(globals: readonly string[]): string {
  const action = ({ completes }: OptionDefinition): string => {
    if (completes === undefined) return " ";
    switch (completes) {
      case "classes":
        return `_values -s , class ${suppressClassNames.join(" ")}`;
      case "global":
        return `(${globals.join(" ")})`;
      case "file":
        return "_files";
      case "command":
        return "_command_names -e";
    }
  };
  const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const escape = (text: string): string =>
    text.replaceAll(/([\\:[\]])/g, "\\$1");
  const specs = optionDefinitions.map((definition) => {
    const { short, long, placeholder } = flagParts(definition.flags);
    const star = definition.repeatable ? "*" : "";
    const value = placeholder === undefined
      ? ""
      : `:${escape(placeholder.toLowerCase())}:${action(definition)}`;
    const text = `[${escape(definition.summary)}]`;
    if (short === undefined) {
      return quote(
        `${star}${long}${placeholder === undefined ? "" : "="}${text}${value}`,
      );
    }
    return `${quote(`(${short} ${long})`)}{${short},${long}}${
      quote(text + value)
    }`;
  });
  return `#compdef wayferry wayland-proxy-virtwl
# zsh completion for wayferry and wayland-proxy-virtwl

_wayferry_command() {
    # Where no option stands before it, the -- is still here.
    if [[ $words[1] == -- ]]; then
        shift words
        ((CURRENT--))
    fi
    _normal
}

_wayferry_proxy() {
    _arguments -s -S \\
        '--help=-[Print help]::format:(plain pager groff)' \\
        ${specs.join(" \\\n        ")} \\
        '(-)*::command:_wayferry_command'
}

_wayferry() {
    if [[ $service == wayland-proxy-virtwl ]]; then
        _wayferry_proxy
        return
    fi
    local context state state_descr line
    typeset -A opt_args
    _arguments -C \\
        '(-)--version[Print the version]' \\
        '(-)'{-h,--help}'[Print help]' \\
        '1:command:((proxy\\:"Run or serve applications" doctor\\:"Report what this machine lacks" completions\\:"Print completions" help\\:"Explain a command"))' \\
        '*::argument:->arguments'
    [[ $state == arguments ]] || return
    case $words[1] in
        proxy) _wayferry_proxy ;;
        completions) _arguments '1:shell:(bash zsh fish)' ;;
        help) _arguments '1:command:(proxy doctor completions)' ;;
    esac
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _wayferry "$@"
else
    compdef _wayferry wayferry wayland-proxy-virtwl
fi
`;
}
