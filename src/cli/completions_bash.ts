/**
 * The completion script for bash: it works without the package bash-completion,
 * and better with it.
 */

import { suppressClassNames } from "../log/suppress.ts";
import { longNames, takesValue } from "./option_table.ts";

/** The script; `globals` are what `--allow` and `--deny` take. */
export function bashScript(globals: readonly string[]): string {
  const completing = (what: string | undefined): string =>
    longNames((definition) =>
      takesValue(definition) && definition.completes === what
    ).join("|");
  const flags = [
    "--help",
    "-v",
    ...longNames((definition) => !takesValue(definition)),
  ];
  const valued = longNames(takesValue).map((name) => `${name}=`);
  return `# bash completion for wayferry and wayland-proxy-virtwl

_wayferry_proxy_options() {
    # $1: the index of the first word that belongs to the proxy
    local i word option= current=\${COMP_WORDS[COMP_CWORD]}
    for ((i = $1; i < COMP_CWORD; i++)); do
        word=\${COMP_WORDS[i]}
        case $word in
            --)
                _wayferry_command $((i + 1))
                return ;;
            ${longNames(takesValue).join("|")})
                # "--name value" is two words, "--name=value" three.
                option=$word
                if [[ \${COMP_WORDS[i + 1]} == = ]]; then
                    ((i++))
                fi
                ((i++))
                if ((i >= COMP_CWORD)); then
                    [[ $current == = ]] && current=
                    _wayferry_value "$option" "$current"
                    return
                fi ;;
            -*) ;;
            *)
                _wayferry_command "$i"
                return ;;
        esac
    done
    if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "${
    [...flags, ...valued].join(" ")
  }" -- "$current"))
        [[ \${COMPREPLY[0]-} == *= ]] && compopt -o nospace
    else
        COMPREPLY=($(compgen -c -- "$current"))
    fi
}

_wayferry_value() {
    case $1 in
        ${completing("classes")})
            local before=
            [[ $2 == *,* ]] && before=\${2%,*},
            COMPREPLY=($(compgen -P "$before" -W "${
    suppressClassNames.join(" ")
  }" -- "\${2##*,}"))
            compopt -o nospace ;;
        ${completing("global")})
            COMPREPLY=($(compgen -W "${globals.join(" ")}" -- "$2")) ;;
        ${completing("file")})
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$2") ;;
        ${completing("command")})
            COMPREPLY=($(compgen -c -- "$2")) ;;
    esac
}

_wayferry_command() {
    if declare -F _command_offset >/dev/null; then
        _command_offset "$1"
    elif (($1 == COMP_CWORD)); then
        COMPREPLY=($(compgen -c -- "\${COMP_WORDS[COMP_CWORD]}"))
    else
        compopt -o default
    fi
}

_wayland_proxy_virtwl() {
    COMPREPLY=()
    _wayferry_proxy_options 1
}

_wayferry() {
    COMPREPLY=()
    local current=\${COMP_WORDS[COMP_CWORD]}
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W "proxy doctor completions help --version --help" -- "$current"))
        return
    fi
    case \${COMP_WORDS[1]} in
        proxy) _wayferry_proxy_options 2 ;;
        completions) COMPREPLY=($(compgen -W "bash zsh fish --help" -- "$current")) ;;
        help) COMPREPLY=($(compgen -W "proxy doctor completions" -- "$current")) ;;
    esac
}

complete -F _wayferry wayferry
complete -F _wayland_proxy_virtwl wayland-proxy-virtwl
`;
}
