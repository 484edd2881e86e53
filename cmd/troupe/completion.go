package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// completionCommand is the verb completion.
type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is shown by troupe completion --help.
func (*completionCommand) Help() string {
	return `To have it in every shell:

  bash: echo 'source <(troupe completion bash)' >> ~/.bashrc
  zsh:  echo 'source <(troupe completion zsh)' >> ~/.zshrc
  fish: troupe completion fish > ~/.config/fish/completions/troupe.fish`
}

func (c *completionCommand) run(_ context.Context, e env) error {
	_, err := fmt.Fprint(e.out, completionScripts[c.Shell])
	return err
}

// completionScripts ask the program itself, by its verb __complete, what can follow the words so far. Where it has
// nothing to say they complete the names of files.
var completionScripts = map[string]string{
	"bash": `_troupe() {
  local IFS=$'\n' line
  COMPREPLY=()
  for line in $("${COMP_WORDS[0]}" __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null); do
    COMPREPLY+=("${line%%$'\t'*}")
  done
}
complete -o default -F _troupe troupe
`,
	"zsh": `#compdef troupe
_troupe() {
  local line
  local -a found
  for line in ${(f)"$(${words[1]} __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)"}; do
    found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  if (( $#found )); then _describe troupe found; else _files; fi
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
compdef _troupe troupe
`,
	"fish": `function __troupe
  set -l words (commandline -opc) (commandline -ct)
  set -l found ($words[1] __complete -- $words[2..-1] 2>/dev/null)
  set -q found[1]; or __fish_complete_path $words[-1]
  printf '%s\n' $found
end

complete -c troupe -f -a '(__troupe)'
`,
}

// completeCommand is the verb __complete.
type completeCommand struct {
	Words []string `arg:"" optional:"" help:"The words so far, the last of which is to be completed."`

	model *kong.Application
}

func (c *completeCommand) run(_ context.Context, e env) error {
	for _, candidate := range complete(c.model.Node, c.Words) {
		if _, err := fmt.Fprintf(e.out, "%s\t%s\n", candidate.word, candidate.help); err != nil {
			return err
		}
	}
	return nil
}

// candidate is a word that can follow, and what it means.
type candidate struct{ word, help string }

// complete finds what the last word can become after those before it. It finds nothing for the value of a flag and for
// an argument that can be anything.
func complete(node *kong.Node, words []string) []candidate {
	if len(words) == 0 {
		return nil
	}
	arguments, valueOf := 0, (*kong.Flag)(nil)
	for _, word := range words[:len(words)-1] {
		switch {
		case word == "=": // by which bash separates what belongs together
		case valueOf != nil:
			valueOf = nil
		case strings.HasPrefix(word, "-"):
			valueOf = takesValue(node, word)
		default:
			child := childOf(node, word)
			if child == nil {
				arguments++
				continue
			}
			node = child
		}
	}
	last := words[len(words)-1]
	var found []candidate
	switch {
	case valueOf != nil:
	case strings.HasPrefix(last, "-"):
		for _, flag := range flagsOf(node) {
			found = append(found, candidate{"--" + flag.Name, flag.Help})
		}
	case arguments < len(node.Positional):
		for _, word := range node.Positional[arguments].EnumSlice() {
			found = append(found, candidate{word, node.Positional[arguments].Help})
		}
	case arguments == 0:
		for _, child := range node.Children {
			if !child.Hidden {
				found = append(found, candidate{child.Name, child.Help})
			}
		}
	}
	return slices.DeleteFunc(found, func(c candidate) bool { return c.word == "" || !strings.HasPrefix(c.word, last) })
}

func childOf(node *kong.Node, name string) *kong.Node {
	for _, child := range node.Children {
		if child.Name == name {
			return child
		}
	}
	return nil
}

// flagsOf are the flags that a command knows, the common ones too.
func flagsOf(node *kong.Node) (flags []*kong.Flag) {
	for _, level := range node.AllFlags(true) {
		flags = append(flags, level...)
	}
	return flags
}

// takesValue is the flag of a word whose value is the next word.
func takesValue(node *kong.Node, word string) *kong.Flag {
	for _, flag := range flagsOf(node) {
		if !flag.IsBool() && (word == "--"+flag.Name || flag.Short != 0 && word == "-"+string(flag.Short)) {
			return flag
		}
	}
	return nil
}
