package bus_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/bus"
)

// clearEnv makes a test independent of the environment it runs in.
func clearEnv(t *testing.T) {
	t.Helper()
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, "NATS_") || strings.HasPrefix(name, "TROUPE_") {
			t.Setenv(name, "")
		}
	}
}

func TestConfigFromEnv(t *testing.T) {
	clearEnv(t)
	c, err := bus.ConfigFromEnv()
	require.NoError(t, err)
	require.Equal(t, bus.Config{}, c)

	for name, value := range map[string]string{
		"NATS_URL": "nats://a:4222, b:4222,tls://u:p@c", "NATS_CONTEXT": "context", "NATS_CREDS": "creds", "NATS_USER": "user",
		"NATS_PASSWORD": "password", "NATS_TOKEN": "token", "NATS_NKEY": "nkey", "NATS_JWT": "jwt", "NATS_SEED": "seed",
		"NATS_CERT": "cert", "NATS_KEY": "key", "NATS_CA": "ca", "NATS_TIMEOUT": "1m30s", "NATS_INBOX_PREFIX": "_I",
		"NATS_SOCKS_PROXY": "socks5://localhost:1080", "TROUPE_DATA": "data", "TROUPE_LISTEN": ":4222",
	} {
		t.Setenv(name, value)
	}
	c, err = bus.ConfigFromEnv()
	require.NoError(t, err)
	require.Equal(t, bus.Config{
		URL: "nats://a:4222, b:4222,tls://u:p@c", Context: "context", Creds: "creds", User: "user",
		Password: "password", Token: "token", NKey: "nkey", JWT: "jwt", Seed: "seed",
		TLSCert: "cert", TLSKey: "key", TLSCA: "ca", Timeout: 90 * time.Second, InboxPrefix: "_I",
		SOCKSProxy: "socks5://localhost:1080", Server: bus.ServerConfig{DataDir: "data", Listen: ":4222"},
	}, c)
}

func TestMalformedVariablesAreNamed(t *testing.T) {
	clearEnv(t)
	for _, test := range []struct{ name, value, message string }{
		{"NATS_TIMEOUT", "abc", "invalid duration"},
		{"NATS_TIMEOUT", "5", "missing unit"},
		{"NATS_TIMEOUT", "-1s", "not a positive duration"},
		{"NATS_TIMEOUT", "0s", "not a positive duration"},
		{"NATS_URL", " , ", "no URL"},
		{"NATS_URL", "nats://user:secret@h:port", "malformed URL nats://h:port"},
		{"NATS_URL", "user:secret%zz@h", "malformed URL nats://h"},
		{"NATS_URL", "http://h", "not a nats://"},
		{"NATS_URL", "nats://:4222", "names no host"},
		{"NATS_SOCKS_PROXY", "localhost:1080", "socks5://"},
		{"NATS_SOCKS_PROXY", "http://user:secret@localhost:1080", "unknown scheme"},
		{"NATS_SOCKS_PROXY", "socks5://user:secret%zz@localhost:1080", "malformed"},
		{"TROUPE_LISTEN", "4222", "host:port"},
		{"TROUPE_LISTEN", "localhost:nats", "the port is a number"},
		{"TROUPE_LISTEN", "localhost:65536", "the port is a number"},
	} {
		t.Run(test.name+" "+test.value, func(t *testing.T) {
			t.Setenv(test.name, test.value)
			c, err := bus.ConfigFromEnv()
			require.ErrorContains(t, err, test.name+": ")
			require.ErrorContains(t, err, test.message)
			require.NotContains(t, err.Error(), "secret")
			require.Equal(t, bus.Config{}, c)
		})
	}
	t.Setenv("NATS_TIMEOUT", "abc")
	t.Setenv("TROUPE_LISTEN", "abc")
	_, err := bus.ConfigFromEnv()
	require.ErrorContains(t, err, "NATS_TIMEOUT")
	require.ErrorContains(t, err, "TROUPE_LISTEN")
}
