package main

import (
	"crypto/rand"
	"fmt"
	"strings"
)

// addPasswords adds the passwords that servers need, and what programs need that connect as a user.
func addPasswords(files map[string][]byte) {
	var all strings.Builder
	for _, user := range []struct{ variable, name string }{
		{"HOST", "host"}, {"CLIENT", "org1"}, {"PAGE", "page"}, {"WATCHER", "watcher"}, {"OPERATOR", "operator"},
	} {
		password := "p" + rand.Text() // a server takes what begins with a digit for a number
		fmt.Fprintf(&all, "TROUPE_%s_PASSWORD=%s\n", user.variable, password)
		files[user.name+".env"] = fmt.Appendf(nil, "NATS_USER=%s\nNATS_PASSWORD=%s\nNATS_INBOX_PREFIX=_INBOX.%[1]s\n", user.name, password)
	}
	files["passwords.env"] = []byte(all.String())
}
