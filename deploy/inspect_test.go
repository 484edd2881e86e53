package deploy_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client/inspect"
)

// TestPagesForAWatcher has all pages made for the user watcher, who may do nothing but look.
func TestPagesForAWatcher(t *testing.T) {
	g := guard(t, users(t))
	host, err := g.start(t)
	require.NoError(t, err)
	_, err = say.Call(t.Context(), troupe.GetOrCreate[room](g.client(t, "operator"), "org1", "lobby"), "hello")
	require.NoError(t, err)
	pages, err := inspect.New(g.connect(t, "watcher"), inspect.Config{Timeout: never})
	require.NoError(t, err)
	const lobby = "type=room&key=org1%2Flobby"
	const actor = "/actor?" + lobby
	for _, path := range []string{"/", "/host?id=" + host.ID(), "/type?name=room", "/type?name=room&longer=1s", actor, actor + "&stack=", "/queues?" + lobby, "/history?" + lobby, "/neighbours?" + lobby, "/failures", "/stuck"} {
		answer := httptest.NewRecorder()
		pages.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, http.NoBody))
		require.Equal(t, http.StatusOK, answer.Code, "%s: %s", path, answer.Body)
		require.NotRegexp(t, "(?i)denied|permission|not reply|not known", answer.Body.String(), path)
	}
}
