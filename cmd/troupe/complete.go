package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// completeCommand is the verb __complete.
type completeCommand struct {
	Words []string `arg:"" optional:"" help:"The words so far, the last of which is to be completed."`

	model *kong.Application
	envOf func(flags []string, t terminal) (env, error) // by the flags on the line
}

func (c *completeCommand) run(ctx context.Context, e env) error {
	found, place := complete(c.model.Node, c.Words)
	if place.value != "" {
		found = lookUp(ctx, e, place, c.envOf)
	}
	for _, candidate := range found {
		if _, err := fmt.Fprintf(e.out, "%s\t%s\n", candidate.word, candidate.help); err != nil {
			return err
		}
	}
	return nil
}

// filesMark is the candidate that stands for the names of files. The scripts know it.
const filesMark = ":files"

// complete returns the possible completions of the last word, given those before it, or what must be looked up.
func complete(node *kong.Node, words []string) ([]candidate, unfinished) {
	if len(words) == 0 {
		return nil, unfinished{}
	}
	var before unfinished
	valueOf := (*kong.Flag)(nil)
	for _, word := range words[:len(words)-1] {
		switch {
		case word == "=": // bash splits words at it
		case valueOf != nil:
			before.flags = append(before.flags, "--"+valueOf.Name, word)
			valueOf = nil
		case strings.HasPrefix(word, "-"):
			valueOf = takesValue(node, word)
		default:
			child := childOf(node, word)
			if child == nil {
				before.arguments = append(before.arguments, word)
				continue
			}
			node = child
		}
	}
	arguments := len(before.arguments)
	last := words[len(words)-1]
	var found []candidate
	before.last = last
	switch {
	case valueOf != nil && (valueOf.PlaceHolder == "FILE" || valueOf.PlaceHolder == "DIR"):
		return []candidate{{filesMark, "files"}}, unfinished{}
	case valueOf != nil:
		before.value = valueOf.Name
		return nil, before
	case strings.HasPrefix(last, "-"):
		for _, flag := range flagsOf(node) {
			found = append(found, candidate{"--" + flag.Name, flag.Help})
		}
	case arguments < len(node.Positional):
		for _, word := range node.Positional[arguments].EnumSlice() {
			found = append(found, candidate{word, node.Positional[arguments].Help})
		}
		if node.Positional[arguments].Enum == "" {
			before.value = node.Positional[arguments].Name
			return nil, before
		}
	case arguments == 0:
		for _, child := range node.Children {
			if !child.Hidden {
				found = append(found, candidate{child.Name, child.Help})
			}
		}
	}
	return beginningWith(found, last), unfinished{}
}

func childOf(node *kong.Node, name string) *kong.Node {
	for _, child := range node.Children {
		if child.Name == name {
			return child
		}
	}
	return nil
}

// flagsOf returns the flags of a command, including the common ones.
func flagsOf(node *kong.Node) (flags []*kong.Flag) {
	for _, level := range node.AllFlags(true) {
		flags = append(flags, level...)
	}
	return flags
}

// takesValue returns the flag whose value is the next word, or nil.
func takesValue(node *kong.Node, word string) *kong.Flag {
	for _, flag := range flagsOf(node) {
		if !flag.IsBool() && (word == "--"+flag.Name || flag.Short != 0 && word == "-"+string(flag.Short)) {
			return flag
		}
	}
	return nil
}
