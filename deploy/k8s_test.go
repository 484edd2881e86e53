package deploy_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/troupe-go/troupe/actorhost"
)

// tree is a YAML document.
type tree = map[string]any

func readTree(t *testing.T, file string) (read tree) {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(data, &read))
	return read
}

// at is what is at a path: keys, and numbers of elements.
func at[T any](t *testing.T, in any, path ...any) T {
	t.Helper()
	for _, step := range path {
		switch step := step.(type) {
		case string:
			in = in.(tree)[step]
		case int:
			in = in.([]any)[step]
		}
	}
	found, ok := in.(T)
	require.True(t, ok, "%v: %v", path, in)
	return found
}

// manifests are the objects in deploy/k8s that Kubernetes gets, by the path of their file.
func manifests(t *testing.T) map[string]tree {
	t.Helper()
	objects := make(map[string]tree)
	require.NoError(t, filepath.WalkDir("k8s", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".yaml" && !strings.HasSuffix(path, "values.yaml") && filepath.Base(path) != "kustomization.yaml" {
			objects[path] = readTree(t, path)
		}
		return err
	}))
	return objects
}

// schemas writes the JSON schemas of objects of Kubernetes, and returns where kubeconform finds them. It would take them from a site that
// not everybody reaches; the module of Kubernetes has the same as OpenAPI. Fields that they do not name are refused.
func schemas(t *testing.T, objects map[string]tree) (location string) {
	t.Helper()
	module := "k8s.io/kubernetes@" + versionOf(t, "KUBERNETES_VERSION")
	out, err := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", module).Output()
	if err != nil {
		require.Empty(t, os.Getenv("TROUPE_TEST_ALL"), "%s", out)
		// Only where not everything has to be tested, as it has in CI.
		t.Skipf("the schemas of Kubernetes cannot be downloaded: %v\n%s", err, out)
	}
	var kubernetes struct{ Dir string }
	require.NoError(t, json.Unmarshal(out, &kubernetes))
	dir := t.TempDir()
	for _, object := range objects {
		group, kind := "api__", at[string](t, object, "kind")
		version := strings.Replace(at[string](t, object, "apiVersion"), "/", "__", 1)
		if strings.Contains(version, "__") {
			group = "apis__"
		}
		data, err := os.ReadFile(filepath.Join(kubernetes.Dir, "api", "openapi-spec", "v3", group+version+"_openapi.json"))
		require.NoError(t, err)
		var api struct {
			Components struct {
				Schemas map[string]tree `json:"schemas"`
			} `json:"components"`
		}
		require.NoError(t, json.Unmarshal(data, &api))
		ref := ""
		for name, schema := range api.Components.Schemas {
			if schema["properties"] != nil {
				schema["additionalProperties"] = false
			}
			if kinds, ok := schema["x-kubernetes-group-version-kind"]; ok && at[string](t, kinds, 0, "kind") == kind {
				ref = "#/components/schemas/" + name
			}
		}
		require.NotEmpty(t, ref, kind)
		schema, err := json.Marshal(tree{"$ref": ref, "components": api.Components})
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, strings.ToLower(kind)+".json"), schema, 0o600))
	}
	return filepath.Join(dir, "{{ .ResourceKind }}.json")
}

// TestManifests checks what Kubernetes gets by its own schemas.
func TestManifests(t *testing.T) {
	t.Parallel()
	kubeconform := tool(t, "kubeconform", "KUBECONFORM_VERSION", "github.com/yannh/kubeconform/cmd/kubeconform")
	objects := manifests(t)
	require.Len(t, objects, 5)
	location := schemas(t, objects)
	for path, object := range objects {
		out, err := exec.CommandContext(t.Context(), kubeconform, "-strict", "-verbose", "-schema-location", location, path).CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), " is valid", path)

		at[tree](t, object, "metadata")["unknownField"] = "of nobody"
		wrong, err := yaml.Marshal(object)
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), "wrong.yaml")
		require.NoError(t, os.WriteFile(file, wrong, 0o600))
		out, err = exec.CommandContext(t.Context(), kubeconform, "-strict", "-schema-location", location, file).CombinedOutput()
		require.Error(t, err, "%s", out)
		require.Contains(t, string(out), "unknownField", path)
	}
}

// TestKustomization: each file is in one, and is there.
func TestKustomization(t *testing.T) {
	t.Parallel()
	var listed []string
	for _, dir := range []string{"k8s", "k8s/autoscale"} {
		for _, name := range at[[]any](t, readTree(t, filepath.Join(dir, "kustomization.yaml")), "resources") {
			listed = append(listed, filepath.Join(dir, name.(string)))
		}
	}
	var files []string
	for path := range manifests(t) {
		files = append(files, path)
	}
	require.ElementsMatch(t, files, listed)
}

// TestDeploymentsAgree: who stops a host gives it its time, and what finds its pods or its port finds them.
func TestDeploymentsAgree(t *testing.T) {
	t.Parallel()
	needs := actorhost.DefaultGrace + 15*time.Second
	objects := manifests(t)
	deployment := objects[filepath.Join("k8s", "deployment.yaml")]
	pod := at[tree](t, deployment, "spec", "template", "spec")
	require.Equal(t, needs, time.Duration(at[int](t, pod, "terminationGracePeriodSeconds"))*time.Second)
	data, err := os.ReadFile("../docker-compose.yml")
	require.NoError(t, err)
	require.Contains(t, string(data), "\n    stop_grace_period: "+needs.String()+"\n")
	unit, err := os.ReadFile("systemd/troupe-orders.service")
	require.NoError(t, err)
	require.Contains(t, string(unit), "\nTimeoutStopSec="+strings.TrimSuffix(needs.String(), "s")+"\n")

	require.Equal(t, 0, at[int](t, deployment, "spec", "strategy", "rollingUpdate", "maxUnavailable"))
	labels := at[tree](t, deployment, "spec", "template", "metadata", "labels")
	for _, selector := range []tree{
		at[tree](t, deployment, "spec", "selector", "matchLabels"),
		at[tree](t, pod, "topologySpreadConstraints", 0, "labelSelector", "matchLabels"),
		at[tree](t, objects[filepath.Join("k8s", "disruptions.yaml")], "spec", "selector", "matchLabels"),
		at[tree](t, objects[filepath.Join("k8s", "network.yaml")], "spec", "podSelector", "matchLabels"),
	} {
		require.NotEmpty(t, selector)
		for name, value := range selector {
			require.Equal(t, value, labels[name])
		}
	}
	require.Equal(t, at[string](t, deployment, "metadata", "name"),
		at[string](t, objects[filepath.Join("k8s", "autoscale", "scaler.yaml")], "spec", "scaleTargetRef", "name"))

	container := at[tree](t, pod, "containers", 0)
	port := at[int](t, container, "ports", 0, "containerPort")
	require.Equal(t, 8080, port)
	require.True(t, slices.ContainsFunc(at[[]any](t, container, "env"), func(one any) bool {
		return at[string](t, one, "name") == "TROUPE_PROBES" && at[string](t, one, "value") == ":8080"
	}))
	require.Equal(t, "/livez", at[string](t, container, "livenessProbe", "httpGet", "path"))
	require.Equal(t, "/readyz", at[string](t, container, "readinessProbe", "httpGet", "path"))

	const ready = `"troupe", "check", "--ready", "http://127.0.0.1:8080/readyz"`
	image, err := os.ReadFile("../Dockerfile")
	require.NoError(t, err)
	require.Regexp(t, `(?m)^ENV .*\bTROUPE_PROBES=127\.0\.0\.1:8080$`, string(image))
	require.Contains(t, string(image), " CMD ["+ready+"]\n")
	require.Contains(t, string(data), `["CMD", `+ready+"]")
	require.Contains(t, string(unit), "troupe check --ready http://127.0.0.1:8080/readyz;")
	require.Regexp(t, `(?m)^Environment=TROUPE_PROBES=127\.0\.0\.1:8080 `, string(unit))
}

// TestUnit has systemd look at the unit, with another program in it.
func TestUnit(t *testing.T) {
	t.Parallel()
	systemd, err := exec.LookPath("systemd-analyze")
	if err != nil {
		// Not on every system, and it comes with no package of its own.
		t.Skip("systemd is not here")
	}
	unit, err := os.ReadFile("systemd/troupe-orders.service")
	require.NoError(t, err)
	verify := func(text string) string {
		file := filepath.Join(t.TempDir(), "troupe-orders.service")
		require.NoError(t, os.WriteFile(file, []byte(regexp.MustCompile(`/usr/local/bin/\w+`).ReplaceAllString(text, "/bin/true")), 0o600))
		out, _ := exec.CommandContext(t.Context(), systemd, "verify", file).CombinedOutput()
		return string(out)
	}
	require.Empty(t, verify(string(unit)))
	require.Contains(t, verify(strings.Replace(string(unit), "LimitNOFILE", "LimitNoFile", 1)), "LimitNoFile")
}

// TestValuesOfNATS has a server read the settings that the chart puts into its configuration, and compares them with those of nats.conf.
func TestValuesOfNATS(t *testing.T) {
	values := readTree(t, "k8s/nats-values.yaml")
	config := at[tree](t, values, "config", "merge")
	include := at[string](t, config, "$include")
	delete(config, "$include")
	config["jetstream"] = at[tree](t, values, "config", "jetstream", "merge")
	text, err := json.MarshalIndent(config, "", "  ")
	require.NoError(t, err)
	dir := t.TempDir()
	for _, name := range []string{"nats-config", "nats-auth"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o700))
	}
	auth, err := os.ReadFile("auth.conf")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "nats-auth", "auth.conf"), auth, 0o600))
	file := filepath.Join(dir, "nats-config", "nats.conf")
	require.NoError(t, os.WriteFile(file, []byte("{\ninclude "+include+";"+string(text[1:])), 0o600))
	for name, from := range at[tree](t, values, "container", "env") { // the variables of auth.conf
		if strings.HasPrefix(name, "TROUPE_") {
			require.Equal(t, name, at[string](t, from, "valueFrom", "secretKeyRef", "key"))
			t.Setenv(name, password)
		}
	}
	got, err := server.ProcessConfigFile(file)
	require.NoError(t, err)

	for name, value := range map[string]string{
		"NODE_NAME": "n", "NODE_LISTEN": "127.0.0.1:1", "NODE_HTTP": "127.0.0.1:1", "NODE_CLUSTER": "127.0.0.1:1", "NODE_ROUTES": "[]", "NODE_STORE": dir,
	} {
		t.Setenv(name, value)
	}
	secrets, _ := made(t)
	for name, file := range map[string]string{"NODE_CERT": "server.pem", "NODE_KEY": "server.key", "NODE_CA": "ca.pem"} {
		t.Setenv(name, filepath.Join(secrets, file))
	}
	want, err := server.ProcessConfigFile("nats.conf")
	require.NoError(t, err)
	require.Equal(t, want.SyncAlways, got.SyncAlways)
	require.Equal(t, want.NoSublistCache, got.NoSublistCache)
	require.Equal(t, want.PingInterval, got.PingInterval)
	require.Equal(t, want.MaxPingsOut, got.MaxPingsOut)
	require.Len(t, got.Users, len(want.Users))
}
