// Command keys makes JWTs for a NATS server in operator mode: an operator, the account of the actors with a signing key for each
// role of deploy/auth.conf, an account for an auth callout, and users.
//
//	go run ./deploy/keys init ~/troupe-keys
//	go run ./deploy/keys user ~/troupe-keys program shop --tenant org1
//	nats-server --config ~/troupe-keys/nats.conf --jetstream --store_dir DIRECTORY
//
// A signing key can make users of its role alone, whatever else they ask for. Keep the seeds of the operator and of the accounts
// offline: only init needs them.
package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/alecthomas/kong"
)

type commands struct {
	Init struct {
		Dir string `arg:"" help:"Directory to make, for all keys and the configuration of the server."`
	} `cmd:"" help:"Make an operator, accounts, signing keys for the roles, and credentials for a host, a watcher and an operator."`
	User struct {
		Dir    string        `arg:"" help:"Directory that init has made."`
		Role   string        `arg:"" help:"host, program, page, watcher or operator."`
		Name   string        `arg:"" help:"Name of the user."`
		Tenant string        `help:"Tenant of a program or a page."`
		For    time.Duration `help:"How long the credentials are valid. Default: until they are revoked."`
	} `cmd:"" help:"Make credentials of a user."`
}

func main() {
	var c commands
	parsed := kong.Parse(&c, kong.Description("Make JWTs for a NATS server in operator mode."))
	if err := run(parsed.Command(), &c, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "keys:", err)
		os.Exit(1)
	}
}

func run(command string, c *commands, out io.Writer) error {
	if command == "init <dir>" {
		return initialise(c.Init.Dir, out)
	}
	return addUser(keyring(c.User.Dir), c.User.Role, user{name: c.User.Name, tenant: c.User.Tenant, valid: c.User.For}, out)
}
