package node_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/examples/internal/stage/stagetest"
)

// contracts has the command line write the contracts of all actors of the examples, for TypeScript and as AsyncAPI documents, and
// tools of others read them.
func contracts(t *testing.T, program, url string) {
	t.Helper()
	run := func(args ...string) []byte {
		t.Helper()
		command := exec.CommandContext(t.Context(), program, args...)
		command.Env = append(os.Environ(), "NATS_URL="+url)
		command.Stderr = t.Output()
		out, err := command.Output()
		require.NoError(t, err, args)
		return out
	}
	dir := t.TempDir()
	var files []string
	var documents [][]byte
	for lines := bufio.NewScanner(bytes.NewReader(run("types", "--json"))); lines.Scan(); {
		var one struct{ Type string }
		require.NoError(t, json.Unmarshal(lines.Bytes(), &one))
		file := filepath.Join(dir, one.Type)
		documents = append(documents, run("schema", one.Type, "--asyncapi"))
		require.NoError(t, os.WriteFile(file+".ts", run("schema", one.Type, "--typescript"), 0o600))
		files = append(files, file+".ts")
		if one.Type == "chatRoom" {
			kept, err := os.ReadFile("../react/src/chatRoom.ts")
			require.NoError(t, err)
			written, err := os.ReadFile(file + ".ts")
			require.NoError(t, err)
			require.Equal(t, string(kept), string(written), "what examples/react has")
		}
	}
	require.Greater(t, len(files), len(examples))
	use := filepath.Join(dir, "use.ts")
	require.NoError(t, os.WriteFile(use, []byte(`
import type { ChatRoomContract, Message } from "./chatRoom.ts";
type Said = ChatRoomContract["events"]["said"];
const said: Said = { number: 1, from: "Ann", text: "hello", at: new Date() };
const again: Message = said;
// @ts-expect-error a text is no number
const wrong: Said = { ...again, number: "1" };
export { wrong };
`), 0o600))
	stagetest.Node(t, ".", nil, append([]string{"node_modules/typescript/bin/tsc", "--strict", "--noEmit", "--allowImportingTsExtensions",
		"--types", "", "--target", "es2022", "--module", "nodenext", use}, files...)...)
	text, err := os.ReadFile("node_modules/@asyncapi/specs/schemas/3.0.0.json")
	require.NoError(t, err)
	schema := &jsonschema.Schema{}
	require.NoError(t, json.Unmarshal(text, schema))
	schema.Schema = "http://json-schema.org/draft-07/schema#" // it leaves the # out
	asyncAPI, err := schema.Resolve(nil)
	require.NoError(t, err)
	for _, file := range documents {
		var document map[string]any
		require.NoError(t, json.Unmarshal(file, &document))
		require.NoError(t, asyncAPI.Validate(document), "%s", file)
		document["channels"] = "none"
		require.Error(t, asyncAPI.Validate(document))
	}
}
