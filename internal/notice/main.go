// Command notice prints the licences of all modules that get into the programs of this one: `make notice` writes them to NOTICE.
// Modules with the same licence, to the letter, share it.
package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "notice:", err)
		os.Exit(1)
	}
}

// run prints the licences of the modules that packages need.
func run(out io.Writer, packages []string) error {
	const format = `{{if .Standard}}Go{{"\t"}}{{.Root}}{{end}}` +
		`{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{"\t"}}{{.Dir}}{{end}}{{end}}`
	args := append([]string{"list", "-deps", "-f", format}, packages...)
	list := exec.CommandContext(context.Background(), "go", args...) //nolint:gosec // the Makefile's packages
	list.Env = append(os.Environ(), "GOOS=linux")                    // that of the image
	list.Stderr = os.Stderr
	listed, err := list.Output()
	if err != nil {
		return fmt.Errorf("listing modules: %w", err)
	}
	modules := make(map[string][]string) // by licence
	lines := slices.Compact(slices.Sorted(strings.Lines(string(listed))))
	for _, line := range lines {
		name, dir, found := strings.Cut(strings.TrimSpace(line), "\t")
		if !found { // a package of ours
			continue
		}
		text, err := licence(dir)
		if err != nil {
			return fmt.Errorf("the licence of %s: %w", name, err)
		}
		if !slices.Contains(modules[text], name) { // Go has several parts
			modules[text] = append(modules[text], name)
		}
	}
	texts := make([]string, 0, len(modules))
	for text := range modules {
		texts = append(texts, text)
	}
	slices.SortFunc(texts, func(a, b string) int { return cmp.Compare(modules[a][0], modules[b][0]) })
	var all bytes.Buffer
	fmt.Fprintln(&all, "Troupe's programs contain the modules below, each under the licence that follows it. `make notice` wrote this.")
	for _, text := range texts {
		fmt.Fprintf(&all, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(modules[text], "\n"), strings.TrimSpace(text))
	}
	_, err = out.Write(all.Bytes())
	return err
}

// licence is the text of all licences and notices in the directory of a module.
func licence(dir string) (text string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, entry := range entries {
		name := strings.ToUpper(entry.Name())
		base, _, _ := strings.Cut(name, ".")
		if entry.IsDir() || !slices.Contains([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE"}, base) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, entry.Name())) //nolint:gosec // a directory that go list has named
		if err != nil {
			return "", err
		}
		text += strings.ReplaceAll(string(data), "\r\n", "\n") + "\n"
	}
	if text == "" {
		return "", os.ErrNotExist
	}
	return text, nil
}
