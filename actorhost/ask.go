package actorhost

import (
	"context"
	"log/slog"

	"github.com/nats-io/nats.go"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/wire"
)

// respond answers what others, people mostly, ask of the host itself. It reports whether msg is that.
func (h *Host) respond(msg *nats.Msg) bool {
	switch request, tokens := h.ns.HostRequest(msg.Subject); request {
	case "ping":
		h.out.answer(msg, []byte(h.config.Name))
	case "info":
		h.answerWith(msg, h.info())
	case "actor":
		h.answerWith(msg, h.roster.info(tokens))
	case "drain":
		h.out.answer(msg, nil)
		h.drain()
	default:
		return false
	}
	return true
}

func (h *Host) answerWith(msg *nats.Msg, value any) {
	w := &work{message: messageOf(msg)}
	as, err := contentType(msg.Header)
	if err != nil {
		h.out.refuse(w, errs.New(troupe.CodeBadInput, "%v", err))
		return
	}
	w.as = as
	data, err := as.Append(nil, value)
	if err != nil {
		h.out.refuse(w, errs.New(troupe.CodeInternal, "%v", err))
		return
	}
	if msg := reply(w, data); msg.Subject != "" {
		h.out.send(&msg)
	}
}

func (h *Host) info() wire.HostInfo {
	h.mu.Lock()
	info := wire.HostInfo{ID: h.ID(), Awake: len(h.active), Stopping: h.stopping}
	h.mu.Unlock()
	for _, kind := range h.types {
		for _, action := range kind.actions {
			info.Calls += action.calls.Load()
			info.Failed += action.failed.Load()
		}
	}
	return info
}

// drain stops the host within the grace of its config. The goroutine ends with that.
func (h *Host) drain() {
	if !h.draining.CompareAndSwap(false, true) {
		return
	}
	h.config.Logger.Info("the host was asked to drain", slog.String("host", h.ID()))
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), h.config.Grace)
		defer cancel()
		_ = h.Stop(ctx) // returns the error again to whoever waits for Done
	}()
}
