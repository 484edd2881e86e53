package gateway_test

import (
	"net/http"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/client/gateway"
)

// TestOpenAPI has others check the document, and calls by it.
func TestOpenAPI(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t)
	s := open(t, b, gateway.Config{})
	load := func() *openapi3.T {
		got := s.do(t.Context(), http.MethodGet, "/openapi.json", "")
		require.Equal(t, http.StatusOK, got.status, got.body)
		document, err := openapi3.NewLoader().LoadFromData([]byte(got.body))
		require.NoError(t, err)
		require.NoError(t, document.Validate(t.Context(), openapi3.EnableSchemaPatternValidation()))
		return document
	}
	require.Zero(t, load().Paths.Len(), "no host is up")
	b.Host(newRooms().define().Broadcasts(said, noted))
	document := load()
	say := document.Paths.Value("/room/say").Post
	require.Equal(t, "string", say.RequestBody.Value.Content.Get("application/json").Schema.Value.Type.Slice()[0])
	require.NotNil(t, say.Responses.Status(http.StatusOK))
	require.Nil(t, document.Paths.Value("/room/count").Post.RequestBody)
	require.NotNil(t, document.Paths.Value("/room/empty").Post.Responses.Status(http.StatusNoContent))
	require.NotNil(t, document.Paths.Value("/room/said").Get.Responses.Status(http.StatusOK).Value.Content["text/event-stream"])
	failure := document.Components.Schemas["room.failure"]
	require.NotNil(t, failure)
	require.Equal(t, "#/components/schemas/room.failure", document.Paths.Value("/room/fail").Post.RequestBody.Value.Content.Get("application/json").Schema.Ref)
	require.Equal(t, http.StatusOK, s.post("/room/say?key=a", `"hello"`).status)
}
