package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// calloutSubject is where servers ask.
const calloutSubject = "$SYS.REQ.USER.AUTH"

// authoriser answers servers.
type authoriser struct {
	sessions sessions
	valid    time.Duration
	answers  nkeys.KeyPair // signs answers: of the account of the callout
	pages    nkeys.KeyPair // signs users: they can be pages, and nothing else
	troupe   string        // the account that the users are in
}

func newAuthoriser(dir string, s sessions, valid time.Duration) (*authoriser, error) {
	if valid < time.Second {
		return nil, fmt.Errorf("a guest cannot stay for %s: a second at least", valid)
	}
	a := &authoriser{sessions: s, valid: valid}
	for name, key := range map[string]*nkeys.KeyPair{"callout.nk": &a.answers, "roles/page.nk": &a.pages} {
		seed, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		if *key, err = nkeys.FromSeed([]byte(strings.TrimSpace(string(seed)))); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	account, err := os.ReadFile(filepath.Join(dir, "troupe.pub"))
	a.troupe = strings.TrimSpace(string(account))
	return a, err
}

func (a *authoriser) listen(nc *nats.Conn) error {
	_, err := nc.QueueSubscribe(calloutSubject, "callout", func(msg *nats.Msg) {
		answer, err := a.answer(msg.Data, time.Now())
		if err != nil {
			slog.Warn("a question about a user cannot be answered", "error", err)
			return
		}
		if err := msg.Respond([]byte(answer)); err != nil {
			slog.Warn("answering about a user failed", "error", err)
		}
	})
	if err != nil {
		return err
	}
	return nc.Flush()
}

// answer answers a question: by a user, or by why there is none.
func (a *authoriser) answer(question []byte, now time.Time) (string, error) {
	asked, err := jwt.DecodeAuthorizationRequestClaims(string(question))
	if err != nil {
		return "", err
	}
	claims := jwt.NewAuthorizationResponseClaims(asked.UserNkey)
	claims.Audience = asked.Server.ID
	visitor, until, err := a.sessions.read(asked.ConnectOptions.Token, now) // the server has it from the cookie
	if err != nil {
		claims.Error = err.Error()
		return claims.Encode(a.answers)
	}
	if last := now.Add(a.valid); last.Before(until) {
		until = last
	}
	user := jwt.NewUserClaims(asked.UserNkey)
	user.SetScoped(true)
	user.Name, user.IssuerAccount, user.Expires = visitor.name, a.troupe, until.Unix()
	user.Tags.Add("tenant:" + visitor.tenant)
	if claims.Jwt, err = user.Encode(a.pages); err != nil {
		return "", err
	}
	return claims.Encode(a.answers)
}
