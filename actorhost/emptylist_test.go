package actorhost_test

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/actorhost/hosttest"
	"github.com/troupe-go/troupe/codec"
)

type shelf struct{ troupe.Ref }

func (shelf) ActorType() string { return "shelf" }

type contents struct {
	Books  []string       `json:"books"`
	Prices map[string]int `json:"prices"`
}

var (
	lookAt = troupe.NewAction[shelf, troupe.None, contents]("lookAt")
	looked = troupe.NewEvent[shelf, contents]("looked")
)

type shelfState struct{ Contents contents }

func (s *shelfState) lookAt(c *actorhost.Context) (contents, error) {
	return s.Contents, looked.Broadcast(c, s.Contents)
}

// A page in a browser goes over a list without asking whether there is one.
func TestNilListsAreEmptyOnTheWire(t *testing.T) {
	t.Parallel()
	b := hosttest.Start(t, actorhost.Define(func() shelfState { return shelfState{} },
		actorhost.On(lookAt, actorhost.NoIn((*shelfState).lookAt))))
	nc := b.Connect()
	events, err := nc.SubscribeSync("troupe.event.shelf.a.looked")
	require.NoError(t, err)
	request := nats.NewMsg("troupe.route.shelf.a.lookAt")
	request.Header.Set("Content-Type", codec.JSON.ContentType())
	reply, err := nc.RequestMsgWithContext(t.Context(), request)
	require.NoError(t, err)
	require.JSONEq(t, `{"books":[],"prices":{}}`, string(reply.Data))

	event, err := events.NextMsgWithContext(t.Context())
	require.NoError(t, err)
	payload, err := codec.ToJSON(event.Data)
	require.NoError(t, err)
	require.JSONEq(t, `{"books":[],"prices":{}}`, string(payload))
}
