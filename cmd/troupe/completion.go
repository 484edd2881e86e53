package main

import (
	"context"
	"fmt"
)

// completionCommand is the verb completion.
type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is shown by troupe completion --help.
func (*completionCommand) Help() string {
	return `To enable it in every new shell:

  bash: echo 'source <(troupe completion bash)' >> ~/.bashrc
  zsh:  echo 'source <(troupe completion zsh)' >> ~/.zshrc
  fish: troupe completion fish > ~/.config/fish/completions/troupe.fish`
}

func (c *completionCommand) run(_ context.Context, e env) error {
	_, err := fmt.Fprint(e.out, completionScripts[c.Shell])
	return err
}

// completionScripts ask the program itself, by its verb __complete, what can follow the words so far. They complete
// the names of files if it prints filesMark.
//
//nolint:dupword // fish ends with end
var completionScripts = map[string]string{
	"bash": `_troupe() {
  local IFS=$'\n' line
  COMPREPLY=()
  for line in $("${COMP_WORDS[0]}" __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null); do
    COMPREPLY+=("${line%%$'\t'*}")
  done
  if [[ ${COMPREPLY[0]} == :files ]]; then COMPREPLY=(); compopt -o default; fi
}
complete -F _troupe troupe
`,
	"zsh": `#compdef troupe
_troupe() {
  local line
  local -a found
  for line in ${(f)"$(${words[1]} __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)"}; do
    found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  if [[ ${found[1]} == *:files:files ]]; then _files; else _describe troupe found; fi
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
compdef _troupe troupe
`,
	"fish": `function __troupe
  set -l words (commandline -opc) (commandline -ct)
  set -l found ($words[1] __complete -- $words[2..-1] 2>/dev/null)
  if string match -q ':files*' -- $found[1]
    __fish_complete_path $words[-1]
  else
    printf '%s\n' $found
  end
end

complete -c troupe -f -a '(__troupe)'
`,
}
