package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost"
)

func TestComplete(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"":                                  "call stream watch ls info sleep move rm state schedule workflow queue hosts top balance drain types schema inspect gateway mcp check stuck doctor up bench completion",
		"st":                                "stream state stuck",
		"state ":                            "get set history keep",
		"state h":                           "history",
		"sc":                                "schedule schema",
		"schedule ":                         "ls add cancel run retry",
		"schedule add room a --s":           "--server --seed --socks-proxy --spread",
		"-s nats://x state k":               "keep",
		"--server nats://x -j sta":          "state",
		"--server = nats://x sta":           "state",
		"workflow ":                         "ls show start signal result cancel retry",
		"-s ":                               "",
		"completion ":                       "bash zsh fish",
		"-s nats://127.0.0.1:1 call ":       "",
		"-s nats://127.0.0.1:1 call state ": "",
		"state get --r":                     "--raw --revision",
		"state set --raw --re":              "--revision",
		"rm room a -y --ti":                 "--timeout",
		"__":                                "",
		"fly ":                              "",
		"ls --creds ":                       ":files",
	} {
		got := program{}.run(t.Context(), append([]string{"__complete", "--"}, strings.Split(line, " ")...)...)
		require.Equal(t, exitOK, got.code, got.err)
		var words []string
		for line := range strings.Lines(got.out) {
			word, help, ok := strings.Cut(line, "\t")
			require.True(t, ok, line)
			require.Greater(t, len(help), 1, "%s has no help", word)
			words = append(words, word)
		}
		require.Equal(t, want, strings.Join(words, " "), line)
	}
	require.Equal(t, result{exitOK, "", ""}, program{}.run(t.Context(), "__complete"))
}

func TestCompletionScripts(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish"} {
		got := program{}.run(t.Context(), "completion", shell)
		require.Equal(t, exitOK, got.code, got.err)
		require.Contains(t, got.out, "__complete -- ")
	}
	require.Equal(t, exitUsage, program{}.run(t.Context(), "completion", "tcsh").code)
}

// TestCompletionInBash has bash complete by a program that answers as ours does.
func TestCompletionInBash(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		require.Empty(t, os.Getenv("TROUPE_TEST_ALL"), "there is no bash") // where everything has to be tested, as in CI
		t.Skip("there is no bash")
	}
	fake := filepath.Join(t.TempDir(), "troupe")
	require.NoError(t, os.WriteFile(fake, []byte("#!"+bash+"\nprintf '%s\\thelp with spaces\\n' \"asked: $*\" get\n"), 0o700))
	script := program{}.run(t.Context(), "completion", "bash").out + `
COMP_WORDS=("$1" state "" more); COMP_CWORD=2; _troupe
printf '[%s]' "${COMPREPLY[@]}"`
	out, err := exec.CommandContext(t.Context(), bash, "-c", script, "test", fake).CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, "[asked: __complete -- state ][get]", string(out))
}

// TestCompleteAsksTheServer for types, keys, actions and hosts, by the flags on the line.
func TestCompleteAsksTheServer(t *testing.T) {
	t.Parallel()
	url := startBus(t, actorhost.Config{Name: "rooms-1"})
	for _, key := range []string{"org1/lobby", "org2", ""} {
		require.Equal(t, exitOK, at(url).run(t.Context(), "call", "room", key, "empty").code)
	}
	require.Equal(t, exitOK, at(url).run(t.Context(), "schedule", "add", "room", "org2", "empty", "--after", "1h", "--name", "soon").code)
	for line, want := range map[string]string{
		"schedule cancel room org2 ":  "soon",
		"schedule run room org1 s":    "",
		"schedule add room org2 s":    "sell send sometimes stuck",
		"workflow start room org2 se": "sell send",
		"call ":                       "room",
		"call x":                      "",
		"watch ro":                    "room",
		"call room ":                  "org1/lobby org2",
		"state get room org1":         "org1/lobby",
		"call room org2 s":            "sell send sometimes stuck",
		"call room org2 empty ":       "",
		"watch room org2 ":            "",
		"ls --namespace other room ":  "",
		"call --namespace other ":     "",
		"info nothing ":               "",
		"call room org2 sell --count": "",
	} {
		words := append([]string{"-s", url}, strings.Split(line, " ")...)
		got := program{}.run(t.Context(), append([]string{"__complete", "--"}, words...)...)
		require.Equal(t, exitOK, got.code, got.err)
		require.Empty(t, got.err)
		var found []string
		for line := range strings.Lines(got.out) {
			word, _, _ := strings.Cut(line, "\t")
			found = append(found, word)
		}
		require.Equal(t, want, strings.Join(found, " "), line)
	}
	got := program{}.run(t.Context(), "__complete", "--", "-s", url, "drain", "")
	require.Regexp(t, `^[a-z2-7]{12}\thost rooms-1\n$`, got.out)
}
