package actorhost_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/internal/store"
	"github.com/troupe-go/troupe/internal/wire"
)

// TestNothingIsKeptOfAHost has hosts broadcast durable events and go, where nobody subscribes to any.
func TestNothingIsKeptOfAHost(t *testing.T) {
	for _, name := range []string{"stopped", "killed"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := hosttest.Start(t)
				ns, err := wire.NewNamespace("")
				require.NoError(t, err)
				index, err := store.OpenSubscriptions(t.Context(), b.Connect(), ns, store.Settings{})
				require.NoError(t, err)
				presses := pressAndReader[0]
				for i := range 3 {
					host := b.Host(presses)
					require.NoError(t, call(t.Context(), publish, troupe.GetOrCreate[press](b.Client, fmt.Sprint(i)), 1))
					marks, err := index.UnsentHosts(t.Context(), "*")
					require.NoError(t, err)
					require.Len(t, marks, 1, "of the host that is up")
					if name == "stopped" {
						b.Stop(host)
						continue
					}
					b.Kill(host)
					next := b.Host(presses)
					time.Sleep(15 * time.Second) //nolint:forbidigo // virtual time
					marks, err = index.UnsentHosts(t.Context(), "*")
					require.NoError(t, err)
					require.Empty(t, marks, "another host has looked after it")
					b.Stop(next)
				}
				marks, err := index.UnsentHosts(t.Context(), "*")
				require.NoError(t, err)
				require.Empty(t, marks)
			})
		})
	}
}
