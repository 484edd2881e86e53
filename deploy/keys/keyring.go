package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nkeys"
)

// keyring is the directory with the seeds, the JWTs and the credentials. All of it is readable by its owner alone.
type keyring string

func (k keyring) path(name string) string { return filepath.Join(string(k), filepath.FromSlash(name)) }

func (k keyring) write(name string, data []byte) error {
	path := k.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // nothing is made a second time
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// make makes a key, and writes its seed.
func (k keyring) make(name string, create func() (nkeys.KeyPair, error)) (pair nkeys.KeyPair, public string, err error) {
	if pair, err = create(); err != nil {
		return nil, "", err
	}
	seed, err := pair.Seed()
	if err != nil {
		return nil, "", err
	}
	if err := k.write(name, append(seed, '\n')); err != nil {
		return nil, "", err
	}
	public, err = pair.PublicKey()
	return pair, public, err
}

// key reads a key from its seed.
func (k keyring) key(name string) (nkeys.KeyPair, error) {
	data, err := os.ReadFile(k.path(name))
	if err != nil {
		return nil, err
	}
	pair, err := nkeys.FromSeed([]byte(strings.TrimSpace(string(data))))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return pair, nil
}

// text reads a file of one line.
func (k keyring) text(name string) (string, error) {
	data, err := os.ReadFile(k.path(name))
	return strings.TrimSpace(string(data)), err
}
