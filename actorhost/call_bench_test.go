package actorhost_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/rpc"
	"github.com/troupe-go/troupe/internal/wire"
)

// BenchmarkCall tells what one call takes, alone, in a process that has the server and all of both sides: a plain request,
// the same by the Requester of package bus, an action that changes nothing, and one whose change is stored first.
func BenchmarkCall(b *testing.B) {
	at := benchInProcess(b)
	requester, err := rpc.NewRequester(at.nc)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, requester.Close()) })
	payload, echo, counter := make([]byte, 32), troupe.GetOrCreate[echo](at.client, "0"), troupe.GetOrCreate[counter](at.client, "0")
	ctx := context.Background() // without an end to watch
	for _, one := range []struct {
		name string
		call func() error
	}{
		{"plain", func() error {
			_, err := at.plain.Request("plain.echo.0.echo", payload, wire.DefaultTimeout)
			return err
		}},
		{"requester", func() error {
			_, err := requester.Do(ctx, &wire.Message{Subject: "plain.echo.0.echo", Data: payload}, wire.DefaultTimeout)
			return err
		}},
		{"unchanged", func() error {
			_, err := echoIt.Call(ctx, echo, payload)
			return err
		}},
		{"changed", func() error {
			_, err := add.Call(ctx, counter, 1)
			return err
		}},
	} {
		b.Run(one.name, func(b *testing.B) {
			require.NoError(b, one.call()) // wakes the actor
			b.ReportAllocs()
			for b.Loop() {
				if err := one.call(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
