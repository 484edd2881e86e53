package actorhost

import (
	"log/slog"

	"github.com/troupe-go/troupe/actorhost/internal/commit"
	"github.com/troupe-go/troupe/internal/wire"
)

// runHook runs a hook as a turn. Nobody waits for its result.
func (a *activation) runHook(name string, f hook) {
	if f == nil || !a.awake {
		return
	}
	a.runHookTurn(turn{kind: wire.TurnHook, action: name}, func(c *Context) error { return f(a.state.pointer(), c) })
}

// runHookTurn runs f as a turn. Nobody waits for its result, so an error is logged.
func (a *activation) runHookTurn(t turn, f func(*Context) error) {
	result, err := a.runTurn(t, f)
	if err != nil {
		a.logger("").Error("a hook failed", slog.String("action", t.action), slog.Any("error", err))
		return
	}
	a.commitTurn(&result, &commit.Output{})
}
