//go:build chaos

package chaos_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"
)

// How an operation has ended for its caller.
const (
	acknowledged = "ok"
	unknown      = "unknown" // it may have run, or may run yet
	refused      = "refused" // it certainly has not run, and never will
)

// operation is one call by a client.
type operation struct {
	Client  int      `json:"client"`
	Actor   string   `json:"actor"` // type/key
	Action  string   `json:"action"`
	Input   int      `json:"input,omitempty"`
	Item    string   `json:"item,omitempty"`
	Began   int64    `json:"began"` // nanoseconds
	Ended   int64    `json:"ended"`
	Outcome string   `json:"outcome"`
	Output  int      `json:"output,omitempty"`
	Items   []string `json:"items,omitempty"`
	Error   string   `json:"error,omitempty"`
}

// history is what all clients have done.
type history struct {
	mu         sync.Mutex
	operations []operation
}

func (h *history) add(o operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, o)
}

func (h *history) len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.operations)
}

// save writes a line of JSON for each operation.
func (h *history) save(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(*historyDir, name)
	require.NoError(t, os.MkdirAll(*historyDir, 0o755))
	file, err := os.Create(path)
	require.NoError(t, err)
	defer file.Close()
	out := bufio.NewWriter(file)
	lines := json.NewEncoder(out)
	for _, o := range h.operations {
		require.NoError(t, lines.Encode(o))
	}
	require.NoError(t, out.Flush())
	return path
}

// faults are all that is wrong with a history.
func (h *history) faults() []string {
	return append(h.notLinearizable(), h.lostOrDouble()...)
}

// checkTimeout bounds the check of one actor's history.
const checkTimeout = 30 * time.Second

// notLinearizable has porcupine look for an order of the calls of each register and counter that explains all answers.
func (h *history) notLinearizable() (faults []string) {
	actors := map[string][]porcupine.Operation{}
	for _, o := range h.operations {
		if o.Outcome == refused || o.Action == "put" || o.Action == "items" {
			continue
		}
		if o.Outcome == unknown {
			if o.Action == "read" || o.Action == "count" {
				continue // which tells nothing
			}
			o.Ended = math.MaxInt64
		}
		actors[o.Actor] = append(actors[o.Actor], porcupine.Operation{ClientId: o.Client, Input: o, Call: o.Began, Output: o, Return: o.Ended})
	}
	for actor, operations := range actors {
		if result := porcupine.CheckOperationsTimeout(model, operations, checkTimeout); result != porcupine.Ok {
			faults = append(faults, fmt.Sprintf("the history of %s, %d calls, is not linearizable (porcupine: %s)", actor, len(operations), result))
		}
	}
	return faults
}

// model is a register or a counter.
var model = porcupine.Model{
	Init: func() any { return 0 },
	Step: func(state, input, output any) (bool, any) {
		value, o := state.(int), output.(operation)
		switch o.Action {
		case "write":
			return true, o.Input
		case "add":
			value += o.Input
			return o.Outcome == unknown || o.Output == value, value
		default:
			return o.Output == value, value
		}
	},
	DescribeOperation: func(input, output any) string {
		o := output.(operation)
		return fmt.Sprintf("%s(%d) = %d %s", o.Action, o.Input, o.Output, o.Outcome)
	},
}

// lostOrDouble compares what was put into each list with what is there: an item that was acknowledged once, one that
// may have been put at most once, and one that was refused not at all.
func (h *history) lostOrDouble() (faults []string) {
	outcomes, last := map[string]map[string]string{}, map[string]operation{}
	for _, o := range h.operations {
		switch {
		case o.Action == "put":
			if outcomes[o.Actor] == nil {
				outcomes[o.Actor] = map[string]string{}
			}
			outcomes[o.Actor][o.Item] = o.Outcome
		case o.Action == "items" && o.Outcome == acknowledged && o.Began > last[o.Actor].Began:
			last[o.Actor] = o
		}
	}
	for actor, items := range outcomes {
		found := map[string]int{}
		for _, item := range last[actor].Items {
			found[item]++
		}
		for item, outcome := range items {
			switch n := found[item]; {
			case n > 1:
				faults = append(faults, fmt.Sprintf("%s has %s %d times (%s)", actor, item, n, outcome))
			case n == 0 && outcome == acknowledged:
				faults = append(faults, fmt.Sprintf("%s has lost %s", actor, item))
			case n == 1 && outcome == refused:
				faults = append(faults, fmt.Sprintf("%s has %s, which was refused", actor, item))
			}
		}
	}
	return faults
}
