package main

import (
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
)

// negativeMark is put before an argument such as -5, so that kong does not take it for a flag. No argument of a program
// can contain it.
const negativeMark = "\x00"

func markNegatives(args []string) []string {
	marked := make([]string, len(args))
	for i, arg := range args {
		if len(arg) > 1 && arg[0] == '-' && '0' <= arg[1] && arg[1] <= '9' {
			arg = negativeMark + arg
		}
		marked[i] = arg
	}
	return marked
}

// decodeUnmarked decodes a string for kong, without the mark.
func decodeUnmarked(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	err := ctx.Scan.PopValueInto("string", &text)
	target.SetString(strings.TrimPrefix(text, negativeMark))
	return err
}

// withoutMarks removes the marks, also quoted ones, from an error of kong.
func withoutMarks(message string) string {
	return strings.NewReplacer(negativeMark, "", `\x00`, "").Replace(message)
}
