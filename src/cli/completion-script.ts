/**
 * `kvm-gdbserver completion`: a script for bash, and for zsh through its bashcompinit. It holds the words itself, so that a
 * press of the tab key starts no program (yargs' own asks the program, 0.1 s each time).
 */
import { COMMAND_TEXTS, OPTION_TEXTS } from './option-texts.js';

const COMMANDS = COMMAND_TEXTS.map(({ command }) => command.split(' ')[0]).join(' ');
const OPTIONS = [...Object.keys(OPTION_TEXTS), 'initrd', 'help', 'version'].map((name) => `--${name}`).join(' ');

/** One branch for each option that takes something: its values, or files. */
function branches(): string {
  return Object.entries(OPTION_TEXTS).filter(([, { argument }]) => argument !== undefined).map(([name, { argument, values }]) => {
    const isFile = values === undefined && /FILE/.test(argument ?? '');
    // Lists go on behind each comma.
    const listed = name === 'log' || name === 'mechanisms' || name === 'boot-order' ? 'list' : 'words';
    if (values !== undefined) return `    --${name}) ${listed}="${values.join(' ')}" ;;`;
    return `    --${name}) ${isFile ? 'files=1' : 'words=" "'} ;;`;
  }).join('\n');
}

export function completionScript(): string {
  return `# kvm-gdbserver completion, for bash and zsh:  source <(kvm-gdbserver completion)
if [ -n "\${ZSH_VERSION-}" ]; then
  autoload -Uz compinit bashcompinit && compinit -u && bashcompinit
fi
_kvm_gdbserver() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" words="" list="" files="" prefix=""
  case "$before" in
${branches()}
    --initrd) files=1 ;;
    *) case "$current" in
      --*) words="${OPTIONS}" ;;
      *) if [ "$COMP_CWORD" = 1 ]; then words="${COMMANDS}"; fi; files=1 ;;
    esac ;;
  esac
  if [ -n "$list" ]; then
    case "$current" in *,*) prefix="\${current%,*}," ;; esac
    words="$list"
  fi
  COMPREPLY=()
  if [ -n "$words" ]; then COMPREPLY=($(compgen -P "$prefix" -W "$words" -- "\${current#"$prefix"}")); fi
  if [ -n "$files" ]; then COMPREPLY+=($(compgen -f -- "$current")); fi
}
complete -o filenames -F _kvm_gdbserver kvm-gdbserver
`;
}
