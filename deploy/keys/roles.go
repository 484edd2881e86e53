package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/conf"

	"github.com/troupe-go/troupe/deploy"
)

// role is what users of a kind may do, as a template.
type role struct {
	name     string
	ofTenant bool
	template jwt.UserPermissionLimits
}

// users are the users of deploy/auth.conf, by the role that they have an example of.
var users = map[string]struct {
	user     string
	ofTenant bool
}{
	"host": {"host", false}, "program": {"org1", true}, "page": {"page", true}, "watcher": {"watcher", false},
	"operator": {"operator", false},
}

const exampleTenant = "org1"

var passwords = regexp.MustCompile(`\$TROUPE_[A-Z]+_PASSWORD`)

// roles reads the roles from deploy/auth.conf. The tenant of its examples becomes that of the user, by a tag, and is in the
// prefix of its inboxes. Those who are of no tenant share the inboxes of their role.
func roles() (all []role, err error) {
	parsed, err := conf.Parse(passwords.ReplaceAllString(deploy.AuthConf, "none"))
	if err != nil {
		return nil, fmt.Errorf("deploy/auth.conf: %w", err)
	}
	authorization, _ := parsed["authorization"].(map[string]any)
	list, _ := authorization["users"].([]any)
	for name, example := range users {
		at := slices.IndexFunc(list, func(one any) bool { fields, _ := one.(map[string]any); return fields["user"] == example.user })
		if at < 0 {
			return nil, fmt.Errorf("deploy/auth.conf has no user %s", example.user)
		}
		r := role{name: name, ofTenant: example.ofTenant}
		if err := r.read(list[at].(map[string]any), example.user); err != nil { //nolint:forcetypeassert // found as one
			return nil, fmt.Errorf("deploy/auth.conf, user %s: %w", example.user, err)
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b role) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

func (r *role) read(user map[string]any, name string) (err error) {
	inbox := "_INBOX." + deploy.Staff + "." + r.name
	if r.ofTenant {
		inbox = "_INBOX.{{tag(tenant)}}.{{name()}}"
	}
	permissions, _ := user["permissions"].(map[string]any)
	subjects := func(key string) (allowed jwt.StringList) {
		list, _ := permissions[key].([]any)
		for _, one := range list {
			subject, _ := one.(string)
			subject = strings.Replace(subject, "_INBOX."+name+".", inbox+".", 1)
			if r.ofTenant {
				subject = strings.ReplaceAll(subject, "."+exampleTenant+".", ".{{tag(tenant)}}.")
			}
			allowed = append(allowed, subject)
		}
		return allowed
	}
	t := &r.template
	t.NatsLimits = jwt.NatsLimits{Subs: jwt.NoLimit, Data: jwt.NoLimit, Payload: jwt.NoLimit}
	t.Pub.Allow, t.Sub.Allow = subjects("publish"), subjects("subscribe")
	if r.ofTenant && slices.ContainsFunc(t.Sub.Allow, func(rule string) bool { return strings.Contains(rule, " ") }) {
		return errors.New("it has a queue group: a server drops that from permissions with templates")
	}
	if len(t.Pub.Allow) == 0 || len(t.Sub.Allow) == 0 {
		return errors.New("it has no permissions, and would have all")
	}
	if answers, ok := permissions["allow_responses"].(map[string]any); ok {
		most, _ := answers["max"].(int64)
		text, _ := answers["expires"].(string)
		within, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("allow_responses: %w", err)
		}
		t.Resp = &jwt.ResponsePermission{MaxMsgs: int(most), Expires: within}
	}
	kinds, _ := user["allowed_connection_types"].([]any)
	for _, kind := range kinds {
		t.AllowedConnectionTypes.Add(fmt.Sprint(kind))
	}
	return nil
}
