package actorhost_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/wire"
)

func TestErrorsHaveTheirCodesAtOnce(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, counters())
	a := troupe.GetOrCreate[counter](b.Client, "a")
	long := strings.Repeat("k", troupe.MaxKeyBytes+1)
	for name, test := range map[string]struct {
		call func(ctx context.Context) error
		want error
		text string
	}{
		"unknown type": {func(ctx context.Context) error {
			return b.Client.Actor("nobody", "a").Call(ctx, "add", 1, nil)
		}, troupe.ErrUnknownType, `"nobody"`},
		"unknown action": {func(ctx context.Context) error {
			return b.Client.Actor("counter", "a").Call(ctx, "subtract", 1, nil)
		}, troupe.ErrUnknownAction, `no action "subtract", it has add, `},
		"unknown action does not create": {func(ctx context.Context) error {
			_ = b.Client.Actor("counter", "never").Call(ctx, "subtract", 1, nil)
			return call(ctx, get, troupe.Get[counter](b.Client, "never"), nil)
		}, troupe.ErrNotFound, "counter/never"},
		"bad input": {func(ctx context.Context) error {
			return b.Client.Actor("counter", "a").Call(ctx, "add", "five", nil)
		}, troupe.ErrBadInput, "counter/a.add: expected int, got a string"},
		"bad input says what is taken": {func(ctx context.Context) error {
			return b.Client.Actor("counter", "a").Call(ctx, "add", "five", nil)
		}, troupe.ErrBadInput, "; it takes: whole number"},
		"no input": {func(ctx context.Context) error {
			return b.Client.Actor("counter", "a").Call(ctx, "add", nil, nil)
		}, troupe.ErrBadInput, "counter/a.add: empty body"},
		"input that cannot be encoded": {func(ctx context.Context) error {
			return b.Client.Actor("counter", "a").Call(ctx, "add", make(chan int), nil)
		}, troupe.ErrBadInput, "counter/a.add"},
		"key too long": {func(ctx context.Context) error {
			return call(ctx, get, troupe.GetOrCreate[counter](b.Client, long), nil)
		}, troupe.ErrBadInput, "1025 bytes"},
		"zero reference": {func(ctx context.Context) error {
			return call(ctx, get, counter{}, nil)
		}, troupe.ErrBadInput, "zero"},
		"missing actor": {func(ctx context.Context) error {
			return call(ctx, get, troupe.Get[counter](b.Client, "missing"), nil)
		}, troupe.ErrNotFound, "counter/missing"},
		"oversize request": {func(ctx context.Context) error {
			return b.Client.Actor("counter", "a").Call(ctx, "add", make([]byte, 2<<20), nil)
		}, troupe.ErrTooLarge, "counter/a.add"},
		"oversize reply": {func(ctx context.Context) error {
			return call(ctx, reply, a, 2<<20)
		}, troupe.ErrTooLarge, "reply"},
		"oversize state": {func(ctx context.Context) error {
			return call(ctx, pad, a, 2<<20)
		}, troupe.ErrTooLarge, "state"},
		"user error": {func(ctx context.Context) error {
			return call(ctx, fail, a, "user")
		}, errRefused, "we do not like it"},
		"any other error": {func(ctx context.Context) error {
			return call(ctx, fail, a, "the password is 1234")
		}, troupe.ErrInternal, "counter/a.fail failed"},
		"panic": {func(ctx context.Context) error {
			return call(ctx, fail, a, "panic")
		}, troupe.ErrInternal, "counter/a.fail failed"},
		"call of itself": {func(ctx context.Context) error {
			return call(ctx, relay, a, []string{"a"})
		}, troupe.ErrCallCycle, "counter/a -> counter/a"},
		"call cycle": {func(ctx context.Context) error {
			return call(ctx, relay, a, []string{"b", "c", "a"})
		}, troupe.ErrCallCycle, "counter/a -> counter/b -> counter/c -> counter/a"},
		"chain too long": {func(ctx context.Context) error {
			names := make([]string, 64)
			for i := range names {
				names[i] = fmt.Sprintf("link%d", i)
			}
			return call(ctx, relay, a, names)
		}, troupe.ErrChainTooLong, "64 actors wait in the call chain, the most allowed: counter/a -> counter/link0 -> "},
		"user error through three actors": {func(ctx context.Context) error {
			return call(ctx, relay, a, []string{"d", "e"})
		}, errRefused, "we do not like it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			began := time.Now()
			err := test.call(ctx)
			require.ErrorIs(t, err, test.want)
			require.ErrorContains(t, err, test.text)
			require.NotContains(t, err.Error(), "1234", "what is not the caller's business stays on the host")
			require.Less(t, time.Since(began), 10*time.Second, "never a silent timeout")
			if errors.Is(test.want, errRefused) {
				var user *troupe.Error
				require.ErrorAs(t, err, &user)
				require.True(t, user.FromActor)
				require.Equal(t, map[string]any{"left": int64(3)}, user.Metadata)
			}
		})
	}
}

func TestUserErrorIsAServiceErrorForNATS(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, counters())
	request := nats.NewMsg("troupe.route.counter.a.fail")
	request.Header.Set("Content-Type", "application/json")
	request.Data = []byte(`"user"`)
	reply, err := b.Connect().RequestMsg(request, 5*time.Second)
	require.NoError(t, err)
	require.Equal(t, "refused: we do not like it", reply.Header.Get(wire.HeaderServiceError))
	require.Equal(t, "422", reply.Header.Get(wire.HeaderServiceErrorCode))
	require.Equal(t, "refused", reply.Header.Get(wire.HeaderErrorCode))
	require.JSONEq(t, `{"code":"refused","message":"we do not like it","metadata":{"left":3}}`, string(reply.Data))
}
