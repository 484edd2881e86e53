package inspect

import (
	"crypto/subtle"
	"fmt"
	"net/http"

	"github.com/troupe-go/troupe"
)

// minToken is how many bytes a token has at least: so many that nobody guesses it.
const minToken = 16

// cookieName is the cookie in which a browser keeps the token.
const cookieName = "troupe_inspect"

func checkToken(token string) error {
	if token != "" && len(token) < minToken {
		return fmt.Errorf("the token has %d bytes, it takes %d at least", len(token), minToken)
	}
	return nil
}

// admit gives a browser that comes with the token a cookie, and has it come again without: addresses are kept in histories.
// It reports whether it has replied.
func (p *pages) admit(w http.ResponseWriter, r *http.Request) bool {
	given := r.URL.Query().Get("token")
	switch {
	case p.token == "" || r.URL.Path != "/" || given == "":
		return false
	case !p.isToken(given):
		http.Error(w, "this is not the token", http.StatusForbidden)
		return true
	}
	// For the path where the pages are, which they do not know.
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // on localhost there may be no TLS
		Name: cookieName, Value: given, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode,
	})
	w.Header().Set("Location", "./")
	w.WriteHeader(http.StatusSeeOther)
	return true
}

func (p *pages) isToken(given string) bool {
	return p.token != "" && subtle.ConstantTimeCompare([]byte(given), []byte(p.token)) == 1
}

// mayWrite reports whether a browser has the token.
func (p *pages) mayWrite(r *http.Request) bool {
	cookie, err := r.Cookie(cookieName)
	return err == nil && p.isToken(cookie.Value)
}

// checkWrite returns why a request must not change anything: it has no token, or a page of somebody else has sent it.
func (p *pages) checkWrite(r *http.Request) error {
	if !p.mayWrite(r) {
		return &troupe.Error{Code: troupe.CodeDenied,
			Message: "open the address with the token first: without it these pages change nothing"}
	}
	if err := p.origins.Check(r); err != nil {
		return &troupe.Error{Code: troupe.CodeDenied, Message: "a page of somebody else has sent this", Err: err}
	}
	return nil
}
