package main

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

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

// valueMappers are the options by which kong decodes values: without marks, byte for byte (kong's own way replaces bytes
// that are not UTF-8), and with errors that say what is expected.
func valueMappers() []kong.Option {
	return []kong.Option{
		kong.KindMapper(reflect.String, valueMapper("text", func(text string) (string, error) { return text, nil })),
		kong.KindMapper(reflect.Int, valueMapper("a whole number", strconv.Atoi)),
		kong.KindMapper(reflect.Uint64, valueMapper("a whole number from 0 on", func(text string) (uint64, error) {
			return strconv.ParseUint(text, 10, 64)
		})),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), valueMapper("a duration such as 500ms, 5s or 2m", time.ParseDuration)),
	}
}

func valueMapper[T any](what string, decode func(string) (T, error)) kong.MapperFunc {
	return func(ctx *kong.DecodeContext, target reflect.Value) error {
		token, err := ctx.Scan.PopValue(what)
		if err != nil {
			return fmt.Errorf("expected %s", what)
		}
		text := strings.TrimPrefix(token.String(), negativeMark)
		value, err := decode(text)
		if err != nil {
			return fmt.Errorf("expected %s, got %q", what, text)
		}
		target.Set(reflect.ValueOf(value).Convert(target.Type()))
		return nil
	}
}

// withoutMarks removes the marks, also quoted ones, from an error of kong.
func withoutMarks(message string) string {
	return strings.NewReplacer(negativeMark, "", `\x00`, "").Replace(message)
}
