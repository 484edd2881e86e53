package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nkeys"
)

// accounts are those that init makes.
type accounts struct {
	keyring

	operator nkeys.KeyPair
	config   bytes.Buffer
}

// initialise makes everything in a new directory. There is none, or nothing, if it fails.
func initialise(dir string, out io.Writer) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already: keys are not made a second time (%w)", dir, fs.ErrExist)
	}
	all, err := roles()
	if err != nil {
		return err
	}
	a := &accounts{keyring: keyring(dir)}
	if err := a.make(all); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	for _, name := range []string{"host", "watcher", "operator"} {
		if err := addUser(a.keyring, name, user{name: name}, out); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(out, "nats-server --config %s --jetstream --store_dir DIRECTORY\n", a.path("nats.conf"))
	return err
}

func (a *accounts) make(all []role) error {
	operator, operatorKey, err := a.keyring.make("operator.nk", nkeys.CreateOperator)
	if err != nil {
		return err
	}
	a.operator = operator
	system, systemKey, err := a.keyring.make("system.nk", nkeys.CreateAccount)
	if err != nil {
		return err
	}
	claims := jwt.NewOperatorClaims(operatorKey)
	claims.Name, claims.SystemAccount = "troupe", systemKey
	operatorJWT, err := claims.Encode(operator)
	if err != nil {
		return err
	}
	fmt.Fprintf(&a.config, "# A server in operator mode, for actors. The keys of deploy/keys made it.\n\n"+
		"operator: %s\nsystem_account: %s\nresolver: MEMORY\nresolver_preload: {\n", operatorJWT, systemKey)
	if err := errors.Join(a.add(jwt.NewAccountClaims(systemKey), "system"), a.addUserOfSystem(system)); err != nil {
		return err
	}
	troupeKey, err := a.addTroupe(all)
	if err != nil {
		return err
	}
	sentinel, err := a.addCallout(troupeKey)
	if err != nil {
		return err
	}
	fmt.Fprintf(&a.config, "}\n\n# Who comes without credentials, such as a browser, is asked about at the callout.\n"+
		"default_sentinel: %s\n", sentinel)
	return a.write("nats.conf", a.config.Bytes())
}

// add adds an account to the configuration of the server.
func (a *accounts) add(claims *jwt.AccountClaims, name string) error {
	claims.Name = name
	encoded, err := claims.Encode(a.operator)
	if err != nil {
		return fmt.Errorf("the account %s: %w", name, err)
	}
	fmt.Fprintf(&a.config, "  %s: %s # %s\n", claims.Subject, encoded, name)
	return a.write(name+".pub", []byte(claims.Subject+"\n"))
}

// addTroupe adds the account of the actors, with a signing key for each role.
func (a *accounts) addTroupe(all []role) (public string, err error) {
	_, public, err = a.keyring.make("troupe.nk", nkeys.CreateAccount)
	if err != nil {
		return "", err
	}
	claims := jwt.NewAccountClaims(public)
	claims.Limits.JetStreamLimits = jwt.JetStreamLimits{
		MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit,
	}
	for _, r := range all {
		_, key, err := a.keyring.make("roles/"+r.name+".nk", nkeys.CreateAccount)
		if err != nil {
			return "", err
		}
		scope := jwt.NewUserScope()
		scope.Key, scope.Role, scope.Template = key, r.name, r.template
		claims.SigningKeys.AddScopedSigner(scope)
	}
	return public, a.add(claims, "troupe")
}

// addCallout adds the account of the auth callout, with its user, and makes the user as which everybody comes that it is asked
// about. That one may do nothing.
func (a *accounts) addCallout(troupeKey string) (sentinel string, err error) {
	account, public, err := a.keyring.make("callout.nk", nkeys.CreateAccount)
	if err != nil {
		return "", err
	}
	caller, callerKey, err := newUser()
	if err != nil {
		return "", err
	}
	claims := jwt.NewAccountClaims(public)
	claims.Authorization.AuthUsers.Add(callerKey)
	claims.Authorization.AllowedAccounts.Add(troupeKey)
	if err := a.add(claims, "callout"); err != nil {
		return "", err
	}
	service := jwt.NewUserClaims(callerKey)
	service.Name = "callout"
	if err := a.writeCreds("callout", service, account, caller); err != nil {
		return "", err
	}
	_, nobodyKey, err := newUser()
	if err != nil {
		return "", err
	}
	nobody := jwt.NewUserClaims(nobodyKey)
	nobody.Name, nobody.BearerToken = "sentinel", true
	nobody.Pub.Deny.Add(">")
	nobody.Sub.Deny.Add(">")
	return nobody.Encode(account)
}

func (a *accounts) addUserOfSystem(account nkeys.KeyPair) error {
	pair, key, err := newUser()
	if err != nil {
		return err
	}
	claims := jwt.NewUserClaims(key)
	claims.Name = "system"
	return a.writeCreds("system", claims, account, pair)
}
