package bus_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/require"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/bustest"
)

func TestConnectReportsThatNoServerIsThere(t *testing.T) {
	t.Parallel()
	address := refusing(t)
	_, err := bus.Connect(t.Context(), bus.Config{URL: "nats://user:secret@" + address})
	require.ErrorIs(t, err, bus.ErrNoServer)
	require.ErrorContains(t, err, "no NATS server at nats://"+address+": start one, or set NATS_URL")
	require.ErrorContains(t, err, "connection refused")
	require.NotContains(t, err.Error(), "secret")

	_, err = bus.Open(t.Context(), bus.Config{URL: "localhost:1,nats://host.invalid"})
	require.ErrorIs(t, err, bus.ErrNoServer)
	require.ErrorContains(t, err, "nats://localhost:1,nats://host.invalid")
}

func TestConnectGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	accepted := make(chan struct{}, 1)
	silent := bustest.Listen(t, func(conn net.Conn) {
		accepted <- struct{}{}
		_, _ = io.Copy(io.Discard, conn)
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-accepted
		cancel()
	}()
	_, err := bus.Connect(ctx, bus.Config{URL: silent, Timeout: time.Hour})
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "nats://"+silent)
	require.NotErrorIs(t, err, bus.ErrNoServer)

	_, err = bus.Connect(ctx, bus.Config{URL: bustest.Serve(t, &server.Options{}).ClientURL()})
	require.ErrorIs(t, err, context.Canceled)
	_, err = bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}})
	require.ErrorIs(t, err, context.Canceled)
}

func TestConnectOutlivesItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	nc, err := bus.Connect(ctx, bus.Config{URL: bustest.Serve(t, &server.Options{}).ClientURL(), Name: "me", InboxPrefix: "_MINE"})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	cancel()
	require.NoError(t, nc.Flush())
	require.Equal(t, "me", nc.Opts.Name)
	require.True(t, strings.HasPrefix(nc.NewInbox(), "_MINE."))
}

func TestConnectIgnoresServersThatAreDown(t *testing.T) {
	t.Parallel()
	nc, err := bus.Connect(t.Context(), bus.Config{URL: refusing(t) + "," + bustest.Serve(t, &server.Options{}).ClientURL()})
	require.NoError(t, err)
	nc.Close()
}

func TestConnectRefusesOptions(t *testing.T) {
	t.Parallel()
	garbage := write(t, "garbage", "garbage")
	missing := filepath.Join(t.TempDir(), "missing")
	for name, test := range map[string]struct {
		config  bus.Config
		message string
	}{
		"url":                   {bus.Config{URL: "http://localhost"}, "http://localhost is not a nats://"},
		"mixed urls":            {bus.Config{URL: "nats://localhost,ws://localhost"}, "websocket"},
		"missing creds":         {bus.Config{Creds: missing}, missing},
		"no creds":              {bus.Config{Creds: garbage}, garbage},
		"missing nkey":          {bus.Config{NKey: missing}, missing},
		"no nkey":               {bus.Config{NKey: garbage}, garbage},
		"missing jwt":           {bus.Config{JWT: missing}, missing},
		"missing seed":          {bus.Config{JWT: "eyJ", Seed: missing}, missing},
		"seed alone":            {bus.Config{Seed: garbage}, "a seed without its JWT"},
		"password alone":        {bus.Config{Password: "p"}, "a password without its user"},
		"two kinds":             {bus.Config{Token: "t", Creds: garbage}, "more than one kind: a credentials file, a token"},
		"certificate alone":     {bus.Config{TLSCert: garbage}, "needed together"},
		"key alone":             {bus.Config{TLSKey: garbage}, "needed together"},
		"missing certificate":   {bus.Config{TLSCert: missing, TLSKey: garbage}, missing},
		"missing authorities":   {bus.Config{TLSCA: missing}, missing},
		"no authorities":        {bus.Config{TLSCA: garbage}, garbage},
		"proxy":                 {bus.Config{SOCKSProxy: "ftp://localhost"}, "SOCKS proxy"},
		"context":               {bus.Config{Context: "no-such-context-of-troupe"}, "no-such-context-of-troupe"},
		"missing context file":  {bus.Config{Context: missing}, missing},
		"context is not a JSON": {bus.Config{Context: garbage}, garbage},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := bus.Connect(t.Context(), test.config)
			require.ErrorContains(t, err, test.message)
			require.NotErrorIs(t, err, bus.ErrNoServer)
		})
	}
}

func TestConnectShowsCredentials(t *testing.T) {
	t.Parallel()
	userKey, err := nkeys.CreateUser()
	require.NoError(t, err)
	seed, err := userKey.Seed()
	require.NoError(t, err)
	public, err := userKey.PublicKey()
	require.NoError(t, err)
	byJWT, userJWT, bearerJWT := operatorMode(t, public)
	creds, err := jwt.FormatUserConfig(userJWT, seed)
	require.NoError(t, err)

	byUser := &server.Options{Users: []*server.User{{Username: "u", Password: "p"}}}
	byToken := &server.Options{Authorization: "t"}
	byKey := &server.Options{Nkeys: []*server.NkeyUser{{Nkey: public}}}
	for name, test := range map[string]struct {
		server *server.Options
		config bus.Config
	}{
		"user":            {byUser, bus.Config{User: "u", Password: "p"}},
		"token":           {byToken, bus.Config{Token: "t"}},
		"token as user":   {byToken, bus.Config{User: "t"}},
		"nkey":            {byKey, bus.Config{NKey: write(t, "seed", string(seed))}},
		"creds":           {byJWT, bus.Config{Creds: write(t, "creds", string(creds))}},
		"jwt":             {byJWT, bus.Config{JWT: userJWT, Seed: string(seed)}},
		"jwt file":        {byJWT, bus.Config{JWT: write(t, "jwt", userJWT+"\n"), Seed: write(t, "seed", string(seed)+"\n")}},
		"bearer":          {byJWT, bus.Config{JWT: bearerJWT}},
		"replace context": {byUser, bus.Config{Context: natsContext(t, map[string]any{"token": "t"}), User: "u", Password: "p"}},
		"context":         {byUser, bus.Config{Context: natsContext(t, map[string]any{"user": "u", "password": "p"})}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := *test.server
			c := test.config
			c.URL = bustest.Serve(t, &config).ClientURL()
			nc, err := bus.Connect(t.Context(), c)
			require.NoError(t, err)
			nc.Close()

			_, err = bus.Connect(t.Context(), bus.Config{URL: c.URL})
			require.ErrorIs(t, err, nats.ErrAuthorization)
			require.NotErrorIs(t, err, bus.ErrNoServer)
		})
	}
}

// operatorMode configures a server that trusts one operator, and makes two JWTs of one user: one to be used with the
// user's seed, and one without.
func operatorMode(t *testing.T, userKey string) (config *server.Options, userJWT, bearerJWT string) {
	t.Helper()
	operator, err := nkeys.CreateOperator()
	require.NoError(t, err)
	operatorKey, err := operator.PublicKey()
	require.NoError(t, err)
	account, err := nkeys.CreateAccount()
	require.NoError(t, err)
	accountKey, err := account.PublicKey()
	require.NoError(t, err)
	accountJWT, err := jwt.NewAccountClaims(accountKey).Encode(operator)
	require.NoError(t, err)
	user := jwt.NewUserClaims(userKey)
	userJWT, err = user.Encode(account)
	require.NoError(t, err)
	user.BearerToken = true
	bearerJWT, err = user.Encode(account)
	require.NoError(t, err)
	accounts := &server.MemAccResolver{}
	require.NoError(t, accounts.Store(accountKey, accountJWT))
	return &server.Options{TrustedKeys: []string{operatorKey}, AccountResolver: accounts}, userJWT, bearerJWT
}

func natsContext(t *testing.T, settings map[string]any) string {
	t.Helper()
	data, err := json.Marshal(settings)
	require.NoError(t, err)
	return write(t, "context.json", string(data))
}

func TestConnectByContext(t *testing.T) {
	t.Parallel()
	url := bustest.Serve(t, &server.Options{}).ClientURL()
	nc, err := bus.Connect(t.Context(), bus.Config{Context: natsContext(t, map[string]any{"url": url})})
	require.NoError(t, err)
	nc.Close()
	nc, err = bus.Connect(t.Context(), bus.Config{Context: natsContext(t, map[string]any{"url": refusing(t)}), URL: url})
	require.NoError(t, err, "the URL replaces that of the context")
	nc.Close()

	address := refusing(t)
	_, err = bus.Connect(t.Context(), bus.Config{Context: natsContext(t, map[string]any{"url": address})})
	require.ErrorIs(t, err, bus.ErrNoServer)
	require.ErrorContains(t, err, address)
}

func TestConnectThroughProxy(t *testing.T) {
	t.Parallel()
	url := bustest.Serve(t, &server.Options{}).ClientURL()
	asked := make(chan string, 2)
	proxy := "socks5://" + bustest.Listen(t, func(conn net.Conn) { socks(conn, strings.TrimPrefix(url, "nats://"), asked) })
	for name, c := range map[string]bus.Config{
		"option":  {URL: "bus.example:4222", SOCKSProxy: proxy},
		"context": {Context: natsContext(t, map[string]any{"url": "bus.example:4222", "socks_proxy": proxy})},
	} {
		nc, err := bus.Connect(t.Context(), c)
		require.NoError(t, err, name)
		nc.Close()
		require.Equal(t, "bus.example", <-asked, "the proxy looks names up")
	}
}

func TestConnectDoesNotWaitForASilentProxy(t *testing.T) {
	t.Parallel()
	silent := "socks5://" + bustest.Listen(t, func(net.Conn) { <-t.Context().Done() })
	for name, c := range map[string]bus.Config{
		"option":  {SOCKSProxy: silent},
		"context": {Context: natsContext(t, map[string]any{"socks_proxy": silent})},
	} {
		c.Timeout = 10 * time.Millisecond
		_, err := bus.Connect(t.Context(), c)
		require.ErrorIs(t, err, bus.ErrNoServer, name)
		require.ErrorContains(t, err, "nats://127.0.0.1:4222")
	}
}

// socks is a SOCKS5 proxy for one connection. It always connects to the same target.
func socks(conn net.Conn, target string, asked chan<- string) {
	buf := make([]byte, 256)
	_, _ = io.ReadFull(conn, buf[:3]) // version, one method: no authentication
	_, _ = conn.Write([]byte{5, 0})
	_, _ = io.ReadFull(conn, buf[:5]) // version, connect, 0, by name, length of the name
	name := make([]byte, buf[4])
	_, _ = io.ReadFull(conn, name)
	_, _ = io.ReadFull(conn, buf[:2]) // port
	asked <- string(name)
	_, _ = conn.Write([]byte{5, 0, 0, 1, 127, 0, 0, 1, 0, 0})
	bustest.Forward(conn, target, new(atomic.Bool))
}

func TestConnectByTLS(t *testing.T) {
	t.Parallel()
	cert, ca, key := certificate(t)
	pool := x509.NewCertPool()
	pool.AddCert(cert.Leaf)
	config := &tls.Config{Certificates: []tls.Certificate{cert}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert}
	for name, first := range map[string]bool{"upgrade": false, "first": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := bustest.Serve(t, &server.Options{TLS: true, TLSVerify: true, TLSConfig: config, TLSHandshakeFirst: first})
			address := srv.Addr().String()
			nc, err := bus.Connect(t.Context(), bus.Config{URL: address, TLSCA: ca, TLSCert: ca, TLSKey: key, TLSFirst: first})
			require.NoError(t, err)
			require.True(t, nc.TLSRequired())
			nc.Close()

			_, err = bus.Connect(t.Context(), bus.Config{URL: "tls://" + address, TLSFirst: first})
			require.ErrorContains(t, err, "unknown authority")
			require.NotErrorIs(t, err, bus.ErrNoServer)
		})
	}
}

// certificate makes a self-signed certificate for localhost, and returns its files.
func certificate(t *testing.T) (cert tls.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	certFile = write(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	keyFile = write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})))
	cert, err = tls.LoadX509KeyPair(certFile, keyFile)
	require.NoError(t, err)
	return cert, certFile, keyFile
}

// TestReconnectsAreSpread: clients that lose a server together do not reconnect together.
func TestReconnectsAreSpread(t *testing.T) {
	t.Parallel()
	nc, err := bus.Connect(t.Context(), bus.Config{URL: bustest.Serve(t, &server.Options{}).ClientURL()})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	for rounds, wait := range map[int]time.Duration{1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 1000: 2 * time.Second} {
		waits := make(map[time.Duration]bool)
		for range 100 {
			got := nc.Opts.CustomReconnectDelayCB(rounds)
			require.InDelta(t, wait, got, float64(wait)/2)
			waits[got/time.Millisecond] = true
		}
		require.Greater(t, len(waits), 10)
	}
}

func TestConnectionComesBack(t *testing.T) {
	t.Parallel()
	first := bustest.Serve(t, &server.Options{})
	log := new(bustest.Log)
	nc, err := bus.Connect(t.Context(), bus.Config{URL: first.ClientURL(), Name: "me", Logger: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	answered := make(chan string, 2)
	_, err = nc.Subscribe("ask", func(msg *nats.Msg) { answered <- string(msg.Data) })
	require.NoError(t, err)
	disconnected := nc.StatusChanged(nats.RECONNECTING)
	reconnected := nc.StatusChanged(nats.CONNECTED)

	port := first.Addr().(*net.TCPAddr).Port
	first.Shutdown()
	first.WaitForShutdown()
	<-disconnected
	require.ErrorIs(t, nc.Publish("ask", []byte("while down")), nats.ErrReconnectBufExceeded, "nothing is kept for later")

	bustest.Serve(t, &server.Options{Port: port})
	up := time.Now()
	<-reconnected
	require.Less(t, time.Since(up), 2*time.Second)
	require.NoError(t, nc.Publish("ask", []byte("after")))
	require.Equal(t, "after", <-answered)
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "reconnected") }, 10*time.Second, time.Millisecond)
	require.Equal(t, 1, strings.Count(log.String(), `msg="disconnected from NATS" connection=me error=`), log)
	require.Equal(t, 1, strings.Count(log.String(), `msg="reconnected to NATS" connection=me server=nats://127.0.0.1:`), log)
}

func TestAsynchronousErrorsAreLogged(t *testing.T) {
	t.Parallel()
	denied := &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"secrets"}}}
	srv := bustest.Serve(t, &server.Options{Users: []*server.User{{Username: "u", Password: "p", Permissions: denied}}})
	log := new(bustest.Log)
	config := bus.Config{URL: srv.ClientURL(), User: "u", Password: "p", Logger: slog.New(slog.NewTextHandler(log, nil))}
	nc, err := bus.Connect(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	require.NoError(t, nc.Publish("secrets", nil))
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "Permissions Violation") }, 10*time.Second, time.Millisecond)
}
