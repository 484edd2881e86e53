package actorhost_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

// The contract of a notebook, which only its owner may read.
type Notebook struct{ troupe.Ref }

func (Notebook) ActorType() string { return "notebook" }

var Confide = troupe.NewAction[Notebook, string, string]("confide")

// A user is who has signed in.
type user struct{ Name string }

type signedIn struct{}

// userOf is who calls an action.
func userOf(ctx context.Context) user {
	u, _ := ctx.Value(signedIn{}).(user)
	return u
}

var errUnauthorized = troupe.NewError("unauthorized", "sign in first")

// sign makes a token: the name and its signature.
func sign(key ed25519.PrivateKey, name string) string {
	return name + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(name)))
}

// authorise lets only those act who have a token. It gives the action a caller.
func authorise(key ed25519.PublicKey) troupe.Interceptor {
	return func(ctx context.Context, op *troupe.Operation, next func(context.Context) error) error {
		if op.Kind != troupe.OpAction || op.Actor.Type() != "notebook" { // timers, queues and events are the host's own affair
			return next(ctx)
		}
		name, signature, _ := strings.Cut(op.Header.Get(troupe.HeaderAuthorization), ".")
		signed, err := base64.RawURLEncoding.DecodeString(signature)
		if err != nil || !ed25519.Verify(key, []byte(name), signed) {
			return errUnauthorized
		}
		return next(context.WithValue(ctx, signedIn{}, user{Name: name}))
	}
}

// withToken has a client call with a token.
func withToken(token string) troupe.Interceptor {
	return func(ctx context.Context, op *troupe.Operation, next func(context.Context) error) error {
		op.Header.Set(troupe.HeaderAuthorization, token)
		return next(ctx)
	}
}

type notebookState struct{ Pages []string }

func (s *notebookState) confide(c *actorhost.Context, text string) (string, error) {
	if owner := c.Key()[0]; userOf(c).Name != owner {
		return "", troupe.NewError("forbidden", "this is the notebook of "+owner)
	}
	s.Pages = append(s.Pages, text)
	return "dear " + userOf(c).Name, nil
}

func Example_authorise() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	public, private, _ := ed25519.GenerateKey(nil)
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{Intercept: authorise(public)},
		actorhost.Define(func() notebookState { return notebookState{} }, actorhost.On(Confide, (*notebookState).confide)))
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	confide := func(token, text string) (string, error) { // in the notebook of ann
		c, err := client.New(b.Conn(), client.Config{Intercept: withToken(token)})
		if err != nil {
			return "", err
		}
		defer c.Close(ctx)
		return Confide.Call(ctx, troupe.GetOrCreate[Notebook](c, "ann"), text)
	}

	fmt.Println(confide(sign(private, "ann"), "it rained"))
	_, err = confide(sign(private, "bob"), "ha")
	fmt.Println(err)
	_, err = confide("ann.x", "ha")
	fmt.Println(errors.Is(err, errUnauthorized))
	// Output:
	// dear ann <nil>
	// forbidden: this is the notebook of ann
	// true
}
