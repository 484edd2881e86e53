package main

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
)

// contexts are those of the nats command.
func contexts() (names []string) {
	home, _ := os.UserHomeDir()
	config := cmp.Or(os.Getenv("XDG_CONFIG_HOME"), filepath.Join(home, ".config"))
	files, _ := filepath.Glob(filepath.Join(config, "nats", "context", "*.json"))
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	return names
}
