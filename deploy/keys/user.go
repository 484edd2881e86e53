package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"

	"github.com/troupe-go/troupe/deploy"
)

// user is who gets credentials.
type user struct {
	name, tenant string
	valid        time.Duration // 0: for ever
}

// addUser makes the credentials of a user, and says where they are and which prefix its inboxes must have.
func addUser(k keyring, roleName string, u user, out io.Writer) error {
	all, err := roles()
	if err != nil {
		return err
	}
	at := slices.IndexFunc(all, func(r role) bool { return r.name == roleName })
	if at < 0 {
		var known []string
		for _, r := range all {
			known = append(known, r.name)
		}
		return fmt.Errorf("there is no role %s: there are %s", roleName, strings.Join(known, ", "))
	}
	if err := u.check(all[at]); err != nil {
		return err
	}
	account, err := k.text("troupe.pub")
	if err != nil {
		return err
	}
	signer, err := k.key("roles/" + roleName + ".nk")
	if err != nil {
		return err
	}
	pair, key, err := newUser()
	if err != nil {
		return err
	}
	claims := jwt.NewUserClaims(key)
	claims.SetScoped(true)
	claims.Name, claims.IssuerAccount = u.name, account
	inbox, file := deploy.Staff+"."+roleName, u.name
	if u.tenant != "" {
		claims.Tags.Add("tenant:" + u.tenant)
		file = u.tenant + "." + u.name
		inbox = file
	}
	if u.valid > 0 {
		claims.Expires = time.Now().Add(u.valid).Unix()
	}
	if err := k.writeCreds(file, claims, signer, pair); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "NATS_CREDS=%s NATS_INBOX_PREFIX=_INBOX.%s\n", k.path("creds/"+file+".creds"), inbox)
	return err
}

func (u user) check(r role) error {
	switch {
	case u.valid < 0:
		return fmt.Errorf("credentials cannot be valid for %s", u.valid)
	case r.ofTenant && u.tenant == "":
		return fmt.Errorf("a %s needs a tenant: see --tenant", r.name)
	case !r.ofTenant && u.tenant != "":
		return fmt.Errorf("a %s is of no tenant: it may do the same for all", r.name)
	case r.ofTenant:
		if err := deploy.CheckTenant(u.tenant); err != nil {
			return err
		}
	}
	return deploy.CheckUser(u.name)
}

func newUser() (pair nkeys.KeyPair, public string, err error) {
	if pair, err = nkeys.CreateUser(); err == nil {
		public, err = pair.PublicKey()
	}
	return pair, public, err
}

// writeCreds writes what a user needs to connect.
func (k keyring) writeCreds(name string, claims *jwt.UserClaims, signer, user nkeys.KeyPair) error {
	encoded, err := claims.Encode(signer)
	if err != nil {
		return fmt.Errorf("the user %s: %w", name, err)
	}
	seed, err := user.Seed()
	if err != nil {
		return err
	}
	creds, err := jwt.FormatUserConfig(encoded, seed)
	if err != nil {
		return err
	}
	return k.write("creds/"+name+".creds", creds)
}
