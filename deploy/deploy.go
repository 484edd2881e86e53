// Package deploy has configurations of NATS servers for actors, and what the programs in its folders share: [keys] makes JWTs for
// the roles of auth.conf, [callout] lets browsers in.
//
// [keys]: https://github.com/troupe-go/troupe/tree/main/deploy/keys
// [callout]: https://github.com/troupe-go/troupe/tree/main/deploy/callout
package deploy

import (
	_ "embed"
	"errors"
	"fmt"
	"regexp"
)

// AuthConf is auth.conf, the permissions of five users.
//
//go:embed auth.conf
var AuthConf string

// Staff stands where a user of a tenant has the tenant in the prefix of its inboxes: _INBOX.TENANT.NAME, or _INBOX.staff.ROLE. It is
// no tenant.
const Staff = "staff"

// ErrName is the error of a tenant or a user whose name cannot be in permissions.
var ErrName = errors.New("bad name")

var (
	tenants = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)
	names   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$`)
)

// CheckTenant returns an [ErrName] for the name of a tenant that would not mean the same in a tag of a JWT, in a subject and in a
// key: tags are in lower case, so that Org1 would be org1, and =2E would be =2e; a dot would be two tokens, and a star every tenant.
func CheckTenant(tenant string) error {
	switch {
	case tenant == Staff:
		return fmt.Errorf("%w: the tenant %q: the inboxes of those who are of no tenant are there", ErrName, tenant)
	case !tenants.MatchString(tenant):
		return fmt.Errorf("%w: the tenant %q: it must have 1 to 63 lower-case letters a-z, digits, - and _, "+
			"and begin with a letter or a digit", ErrName, tenant)
	}
	return nil
}

// CheckUser returns an [ErrName] for the name of a user that cannot be one token of the prefix of its inboxes.
func CheckUser(user string) error {
	if !names.MatchString(user) {
		return fmt.Errorf("%w: the user %q: it must have 1 to 63 letters a-z and A-Z, digits, - and _, "+
			"and begin with a letter or a digit", ErrName, user)
	}
	return nil
}
