package deploy_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/schema"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/troupe-go/troupe/internal/bustest"
)

// service is what is checked of a service of the compose file.
type service struct {
	Image       string
	Command     []string
	Environment map[string]string
	EnvFile     []string `yaml:"env_file"`
	Secrets     []string
	ReadOnly    bool     `yaml:"read_only"`
	CapDrop     []string `yaml:"cap_drop"`
	SecurityOpt []string `yaml:"security_opt"`
	MemLimit    string   `yaml:"mem_limit"`
	PidsLimit   int      `yaml:"pids_limit"`
	Healthcheck map[string]any
	Ports       []string
	Privileged  bool
}

func services(t *testing.T) map[string]service {
	t.Helper()
	data, err := os.ReadFile("../docker-compose.yml")
	require.NoError(t, err)
	var whole map[string]any
	require.NoError(t, yaml.Unmarshal(data, &whole))
	require.NoError(t, schema.Validate(whole))
	var file struct{ Services map[string]service }
	require.NoError(t, yaml.Unmarshal(data, &file))
	return file.Services
}

// TestComposeFile checks the file by the schema of its specification, and that no container may do more than it must.
func TestComposeFile(t *testing.T) {
	all := services(t)
	require.Len(t, all, 4)
	for name, s := range all {
		require.True(t, s.ReadOnly, name)
		require.False(t, s.Privileged, name)
		require.Equal(t, []string{"ALL"}, s.CapDrop, name)
		require.Equal(t, []string{"no-new-privileges:true"}, s.SecurityOpt, name)
		require.NotEmpty(t, s.MemLimit, name)
		require.Positive(t, s.PidsLimit, name)
		require.NotEmpty(t, s.Healthcheck["test"], name)
		require.Contains(t, s.Secrets, "ca.pem", name)
		for _, port := range s.Ports {
			require.Regexp(t, `^127\.0\.0\.1:\d+:4222$`, port, name)
		}
	}
}

// made runs deploy/secrets, and returns its directory and all variables in a file of it.
func made(t *testing.T) (dir string, variables func(file string) map[string]string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "secrets")
	out, err := exec.CommandContext(t.Context(), "go", "run", "./secrets", dir).CombinedOutput()
	require.NoError(t, err, "%s", out)
	out, err = exec.CommandContext(t.Context(), "go", "run", "./secrets", dir).CombinedOutput()
	require.Error(t, err, "nothing is made a second time: %s", out)
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o077)
	return dir, func(file string) map[string]string {
		data, err := os.ReadFile(filepath.Join(dir, file))
		require.NoError(t, err)
		all := make(map[string]string)
		for line := range strings.Lines(string(data)) {
			name, value, found := strings.Cut(strings.TrimSpace(line), "=")
			require.True(t, found, line)
			require.Regexp(t, `^[A-Za-z_][A-Za-z0-9_.]*$`, value, "a server could take it for something else")
			all[name] = value
		}
		return all
	}
}

// TestComposedCluster runs the servers of the compose file, with their configuration and what deploy/secrets makes, and a host on them.
func TestComposedCluster(t *testing.T) {
	secrets, variables := made(t)
	for name, value := range variables("passwords.env") {
		t.Setenv(name, value)
	}
	all := services(t)
	nodes := []string{"nats-1", "nats-2", "nats-3"}
	var ports, routes []string
	for range nodes {
		ports = append(ports, strconv.Itoa(bustest.FreePort(t)))
		routes = append(routes, "nats://127.0.0.1:"+strconv.Itoa(bustest.FreePort(t)))
	}
	var servers []*server.Server
	for i, name := range nodes {
		environment := all[name].Environment
		require.Equal(t, name, environment["NODE_NAME"])
		environment["NODE_LISTEN"] = "127.0.0.1:" + ports[i]
		environment["NODE_HTTP"] = "127.0.0.1:" + strconv.Itoa(bustest.FreePort(t))
		environment["NODE_CLUSTER"] = strings.TrimPrefix(routes[i], "nats://")
		environment["NODE_ROUTES"] = "[" + strings.Join(routes, ", ") + "]"
		environment["NODE_STORE"] = t.TempDir()
		for variable, value := range environment {
			t.Setenv(variable, strings.Replace(value, "/run/secrets", secrets, 1))
		}
		options, err := server.ProcessConfigFile("nats.conf")
		require.NoError(t, err)
		options.NoSigs, options.NoLog = true, true
		srv, err := server.NewServer(options)
		require.NoError(t, err)
		srv.Start()
		t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
		servers = append(servers, srv)
	}
	require.Eventually(t, func() bool {
		current := 0
		for _, srv := range servers {
			if srv.JetStreamIsCurrent() {
				current++
			}
		}
		return current == len(servers)
	}, time.Minute, 10*time.Millisecond)

	url := "tls://127.0.0.1:" + strings.Join(ports, ",tls://127.0.0.1:")
	ca := filepath.Join(secrets, "ca.pem")
	_, err := nats.Connect(url, nats.RootCAs(ca))
	require.ErrorIs(t, err, nats.ErrAuthorization)
	_, err = nats.Connect(strings.ReplaceAll(url, "tls://", "nats://"), nats.UserInfo("host", variables("host.env")["NATS_PASSWORD"]))
	var unknown *tls.CertificateVerificationError
	require.True(t, errors.As(err, &unknown) || errors.As(err, new(x509.UnknownAuthorityError)), "%v", err)

	environ := func(user string) []string {
		list := append(os.Environ(), "NATS_URL="+url, "NATS_CA="+ca)
		for name, value := range variables(user + ".env") {
			list = append(list, name+"="+value)
		}
		return list
	}
	dir := t.TempDir() + string(filepath.Separator)
	out, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", dir, "../cmd/troupe", "../examples/orders").CombinedOutput()
	require.NoError(t, err, "%s", out)
	ctx, stop := context.WithCancel(t.Context())
	orders := exec.CommandContext(ctx, dir+all["orders"].Command[0], all["orders"].Command[1:]...)
	probes := "127.0.0.1:" + strconv.Itoa(bustest.FreePort(t))
	orders.Env = append(environ("host"), "TROUPE_PROBES="+probes)
	orders.Cancel = func() error { return orders.Process.Signal(os.Interrupt) }
	printed, err := orders.StdoutPipe()
	require.NoError(t, err)
	orders.Stderr = t.Output()
	require.NoError(t, orders.Start())
	t.Cleanup(func() { stop(); _ = orders.Wait() }) // it has ended already, unless the test has failed
	lines := bufio.NewScanner(printed)
	up := false
	for !up && lines.Scan() {
		up = strings.Contains(lines.Text(), "nats req") // the last line
	}
	require.True(t, up)
	for _, verb := range [][]string{{"hosts"}, {"call", "inventory", "main", "restock", "5"}, {"ls"}} {
		cmd := exec.CommandContext(t.Context(), dir+"troupe", verb...)
		cmd.Env = environ("operator")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", verb, out)
	}
	require.Equal(t, "127.0.0.1:8080", all["orders"].Environment["TROUPE_PROBES"])
	health := strings.Fields(strings.Trim(strings.ReplaceAll(fmt.Sprint(all["orders"].Healthcheck["test"]), "127.0.0.1:8080", probes), "[]"))
	require.Equal(t, []string{"CMD", "troupe"}, health[:2])
	check := func() (code int, printed string) {
		cmd := exec.CommandContext(t.Context(), dir+"troupe", health[2:]...)
		out, _ := cmd.CombinedOutput()
		return cmd.ProcessState.ExitCode(), string(out)
	}
	code, said := check()
	require.Zero(t, code, said)
	require.NoError(t, orders.Process.Signal(syscall.SIGTERM))
	require.NoError(t, orders.Wait())
	code, said = check()
	require.Equal(t, 1, code, said)
}
