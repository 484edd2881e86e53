//go:build chaos && unix

package chaos_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
	event        = "event"   // it is no call, but what a list has broadcast
)

// operation is one call by a client, or an event that one has heard.
type operation struct {
	Client  int      `json:"client"`
	Actor   string   `json:"actor"` // type/key
	Action  string   `json:"action"`
	Input   int      `json:"input,omitempty"`
	Item    string   `json:"item,omitempty"`
	ID      string   `json:"id,omitempty"` // with one, it was made again when it was not answered
	Began   int64    `json:"began"`        // nanoseconds
	Ended   int64    `json:"ended"`
	Outcome string   `json:"outcome"`
	Output  int      `json:"output,omitempty"`
	Items   []string `json:"items,omitempty"`
	Error   string   `json:"error,omitempty"`
}

// history is what all clients have done.
type history struct {
	began      time.Time
	mu         sync.Mutex
	operations []operation
}

func (h *history) add(o operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, o)
}

// all is what there is so far.
func (h *history) all() []operation {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clip(h.operations)
}

// save writes a line of JSON for each of all, and returns the path of the file.
func save[T any](t *testing.T, all []T, name string) string {
	t.Helper()
	path := filepath.Join(*historyDir, name)
	require.NoError(t, os.MkdirAll(*historyDir, 0o755))
	file, err := os.Create(path)
	require.NoError(t, err)
	defer file.Close()
	out := bufio.NewWriter(file)
	lines := json.NewEncoder(out)
	for _, one := range all {
		require.NoError(t, lines.Encode(one))
	}
	require.NoError(t, out.Flush())
	return path
}

// faultsOf are all that is wrong with a history.
func faultsOf(operations []operation) []string {
	last := lastOf(operations)
	return slices.Concat(notLinearizable(operations), lostOrDouble(operations, last), notStored(operations, last))
}

// checkTimeout bounds the check of one actor's history.
const checkTimeout = 30 * time.Second

// notLinearizable has porcupine look for an order of the calls of each register and counter that explains all answers.
func notLinearizable(operations []operation) (faults []string) {
	actors := map[string][]porcupine.Operation{}
	for _, o := range operations {
		if o.Outcome == refused || strings.HasPrefix(o.Actor, "list/") || strings.HasPrefix(o.Actor, "journal/") {
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
	for actor, ofIt := range actors {
		if result := porcupine.CheckOperationsTimeout(model, ofIt, checkTimeout); result != porcupine.Ok {
			faults = append(faults, fmt.Sprintf("the history of %s, %d calls, is not linearizable (porcupine: %s)", actor, len(ofIt), result))
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

// lastOf is what was in each list in the end.
func lastOf(operations []operation) map[string]operation {
	last := map[string]operation{}
	for _, o := range operations {
		if o.Action == "items" && o.Outcome == acknowledged && o.Began > last[o.Actor].Began {
			last[o.Actor] = o
		}
	}
	return last
}

// lostOrDouble compares what was put into each list with what is there: an item that was acknowledged once, one that
// may have been put at most once, and one that was refused not at all.
func lostOrDouble(operations []operation, last map[string]operation) (faults []string) {
	outcomes := map[string]map[string]string{}
	for _, o := range operations {
		if o.Action == "put" && o.Outcome != event {
			if outcomes[o.Actor] == nil {
				outcomes[o.Actor] = map[string]string{}
			}
			outcomes[o.Actor][o.Item] = o.Outcome
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

// notStored compares what was broadcast with what is there: no list has told of an item that it has not kept, at the
// place that it told.
func notStored(operations []operation, last map[string]operation) (faults []string) {
	for _, o := range operations {
		if items := last[o.Actor].Items; o.Outcome == event && (o.Output > len(items) || items[o.Output-1] != o.Item) {
			faults = append(faults, fmt.Sprintf("%s has broadcast %s at %d, and it is not there", o.Actor, o.Item, o.Output))
		}
	}
	return faults
}
