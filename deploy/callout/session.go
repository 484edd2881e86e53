package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-go/troupe/deploy"
)

// sessions are cookies with who somebody is, until when, and a signature: TENANT.NAME.SECONDS.SIGNATURE.
type sessions struct{ key []byte }

// guest is somebody in a browser.
type guest struct{ tenant, name string }

var errSession = errors.New("no session")

const shortestKey = 32

func readKey(path string) ([]byte, error) {
	key, err := os.ReadFile(path)
	if err == nil && len(key) < shortestKey {
		err = fmt.Errorf("%s has %d bytes: a key has %d or more, as head -c 32 /dev/urandom makes it", path, len(key), shortestKey)
	}
	return key, err
}

func (s sessions) sign(text string) string {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(text)) // it never fails
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// issue makes the cookie of a guest.
func (s sessions) issue(tenant, name string, until time.Time) (cookie string, err error) {
	if err := errors.Join(deploy.CheckTenant(tenant), deploy.CheckUser(name)); err != nil {
		return "", err
	}
	text := tenant + "." + name + "." + strconv.FormatInt(until.Unix(), 10)
	return text + "." + s.sign(text), nil
}

// read returns the guest of a cookie, and until when it is good.
func (s sessions) read(cookie string, now time.Time) (guest, time.Time, error) {
	parts := strings.Split(cookie, ".")
	if len(parts) != 4 || !hmac.Equal([]byte(parts[3]), []byte(s.sign(strings.Join(parts[:3], ".")))) {
		return guest{}, time.Time{}, errSession
	}
	seconds, err := strconv.ParseInt(parts[2], 10, 64)
	until := time.Unix(seconds, 0)
	switch {
	case err != nil || deploy.CheckTenant(parts[0]) != nil || deploy.CheckUser(parts[1]) != nil: // signed, but by another version
		return guest{}, time.Time{}, errSession
	case !now.Before(until):
		return guest{}, time.Time{}, fmt.Errorf("%w: it is over", errSession)
	}
	return guest{parts[0], parts[1]}, until, nil
}
