// Command secrets makes what the servers of docker-compose.yml and their users need to trust each other: an authority, a
// certificate of the servers, and passwords for the users of deploy/auth.conf.
//
//	go run ./deploy/secrets secrets
//
// The key of the authority is thrown away: to renew certificates, which are good for a year, or passwords, remove the directory, run it
// again, and restart servers and hosts.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: secrets DIRECTORY")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "secrets:", err)
		os.Exit(1)
	}
}

// run makes the directory, which must not be there. Only its owner can look into it. The files in it are mounted one by one, into
// containers whose users are others, and can be read by them.
func run(dir string) error {
	files, err := certificates()
	if err != nil {
		return err
	}
	addPasswords(files)
	if err := os.Mkdir(dir, 0o700); err != nil { //nolint:gosec // wherever its user wants it
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil { //nolint:gosec // see above
			return err
		}
	}
	return nil
}
