package gateway

import (
	"net/http"
	"strings"

	"github.com/troupe-go/troupe/internal/wire"
)

// Credentials are what a request came with, for the NATS server to judge. The zero value are none.
type Credentials struct {
	Token          string // of Authorization: Bearer
	User, Password string // of Authorization: Basic
	// InboxPrefix is where replies to the user may go, if the request says so, by the header Troupe-Inbox-Prefix.
	InboxPrefix string
}

// HeaderInboxPrefix is where replies to the user may go: the prefix of inboxes that its permissions name.
const HeaderInboxPrefix = "Troupe-Inbox-Prefix"

// anonymous reports whether a request came without credentials.
func (c Credentials) anonymous() bool { return c == Credentials{} }

// maxCredentials is how long a header with credentials may be: a JWT with many permissions has some KB.
const maxCredentials = 16 << 10

// credentialsOf reads the credentials of a request.
func credentialsOf(r *http.Request, ns wire.Namespace) (c Credentials, err error) {
	given := r.Header.Values("Authorization")
	if len(given) == 0 {
		return c, nil
	}
	if len(given) > 1 || len(given[0]) > maxCredentials {
		return c, unauthenticated("the header Authorization has several values, or more than 16 KB")
	}
	scheme, value, _ := strings.Cut(given[0], " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		c.Token = strings.TrimSpace(value)
	case strings.EqualFold(scheme, "Basic"):
		if user, with, ok := r.BasicAuth(); ok && user != "" {
			c.User, c.Password = user, with
		}
	}
	if c.anonymous() {
		return c, unauthenticated("the header Authorization takes Bearer TOKEN, or Basic with a user and a password")
	}
	if c.InboxPrefix = r.Header.Get(HeaderInboxPrefix); c.InboxPrefix != "" && !isPrefix(c.InboxPrefix, ns) {
		return c, badRequest("the header %s takes the prefix of inboxes, such as _INBOX.ann", HeaderInboxPrefix)
	}
	return c, nil
}

// isPrefix reports whether inboxes may begin with a text.
func isPrefix(text string, ns wire.Namespace) bool {
	return len(text) <= wire.MaxInbox/2 && strings.Trim(text, ".") == text && ns.IsInbox(text)
}
