package actorhost_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mistakes are lines that the compiler must refuse, in a program where their neighbours are right.
var mistakes = map[string]string{
	"handler of another input":  `var _ = actorhost.Define(newShop, actorhost.On(Reserve, func(*shopState, *actorhost.Context, string) (bool, error) { return true, nil }))`,
	"handler of another output": `var _ = actorhost.Define(newShop, actorhost.On(Reserve, func(*shopState, *actorhost.Context, int) (string, error) { return "", nil }))`,
	"handler of another state":  `var _ = actorhost.Define(newShop, actorhost.On(Reserve, (*shopState).reserve), actorhost.On(Reserve, func(*int, *actorhost.Context, int) (bool, error) { return true, nil }))`,
	"action of another type":    `var _ = actorhost.Define(newShop, actorhost.On(Reserve, (*shopState).reserve), actorhost.On(Pay, (*shopState).reserve))`,
	"create of another input":   `var _ = actorhost.Define(newShop, actorhost.OnCreate(Open, func(*shopState, *actorhost.Context, int) error { return nil }))`,
	"wake hook":                 `var _ = right.OnWake(func(*shopState) error { return nil })`,
	"sleep hook":                `var _ = right.OnSleep(func(*shopState, *actorhost.Context) {})`,
	"destroy hook":              `var _ = right.OnDestroy(func(*int, *actorhost.Context) error { return nil })`,
	"hook that does not exist":  `var _ = right.OnAwake((*shopState).wake)`,
	"call of another type":      `func call(c *client.Client) { _, _ = Reserve.Call(context.Background(), troupe.GetOrCreate[Till](c, "a"), 1) }`,
	"call with another input":   `func call(c *client.Client) { _, _ = Reserve.Call(context.Background(), troupe.GetOrCreate[Shop](c, "a"), "1") }`,
	"create with another input": `func call(c *client.Client) { _ = Open.Create(context.Background(), troupe.GetOrCreate[Shop](c, "a"), 1) }`,
	"broadcast by a program":    `func call(c *client.Client) { _ = Opened.Broadcast(c, 1) }`,
	"broadcast of another kind": `func call(c *actorhost.Context) { _ = Opened.Broadcast(c, "1") }`,
	"handler of another event":  `func call(c *client.Client) { _, _ = Opened.Subscribe(context.Background(), troupe.GetOrCreate[Shop](c), func(context.Context, string) error { return nil }) }`,
}

const rightProgram = `package %s

import (
	"context"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/client"
)

type (
	Shop struct{ troupe.Ref }
	Till struct{ troupe.Ref }
)

func (Shop) ActorType() string { return "shop" }
func (Till) ActorType() string { return "till" }

var (
	Reserve = troupe.NewAction[Shop, int, bool]("reserve")
	Pay     = troupe.NewAction[Till, int, bool]("pay")
	Open    = troupe.NewConstructor[Shop, string]()
	Opened  = troupe.NewEvent[Shop, int]("opened")
)

type shopState struct{ Stock int }

func newShop() shopState { return shopState{} }

func (s *shopState) reserve(*actorhost.Context, int) (bool, error) { return true, nil }
func (s *shopState) wake(*actorhost.Context) error                 { return nil }

var right = actorhost.Define(newShop, actorhost.On(Reserve, (*shopState).reserve)).OnWake((*shopState).wake)

var _ = func(ctx context.Context, c *client.Client) { _, _ = Reserve.Call(ctx, troupe.GetOrCreate[Shop](c, "a"), 1) }

%s
`

// mistakeLine is where the mistake stands in the program.
var mistakeLine = strings.Count(rightProgram[:strings.LastIndex(rightProgram, "%s")], "\n") + 1

// TestMistakesDoNotCompile builds programs that are nowhere but in a build overlay.
func TestMistakesDoNotCompile(t *testing.T) {
	t.Parallel()
	takesLong(t)
	here, err := os.Getwd()
	require.NoError(t, err)
	dir := t.TempDir()
	overlay := map[string]string{}
	add := func(pkg, line string) {
		file := filepath.Join(dir, pkg+".go")
		require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, rightProgram, pkg, line), 0o600))
		overlay[filepath.Join(here, "internal", pkg, pkg+".go")] = file
	}
	packages, lines := []string{"./internal/right"}, map[string]string{}
	add("right", "")
	for name, line := range mistakes {
		pkg := fmt.Sprintf("mistake%d", len(lines))
		add(pkg, line)
		lines[pkg] = name
		packages = append(packages, "./internal/"+pkg)
	}
	replace, err := json.Marshal(map[string]any{"Replace": overlay})
	require.NoError(t, err)
	overlayFile := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(overlayFile, replace, 0o600))

	out, err := exec.CommandContext(t.Context(), "go", append([]string{"build", "-overlay", overlayFile}, packages...)...).CombinedOutput()
	require.Error(t, err)
	require.NotContains(t, string(out), "right.go", "the program without a mistake compiles")
	for pkg, name := range lines {
		require.Contains(t, string(out), fmt.Sprintf("%s.go:%d:", pkg, mistakeLine), "the compiler accepts a wrong %s", name)
	}
}
