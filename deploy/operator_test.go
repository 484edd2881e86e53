package deploy_test

import (
	"context"
	"fmt"
	"log/slog"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

// cli is the command troupe.
type cli struct {
	g      guarded
	binary string
	home   string
}

func buildCLI(t *testing.T, g guarded) cli {
	t.Helper()
	c := cli{g, filepath.Join(t.TempDir(), "troupe"), t.TempDir()}
	out, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", c.binary, "../cmd/troupe").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return c
}

// run runs a verb, as a user whose inboxes are those of another, and returns its exit code and all that it prints. Whoever
// waits for a time-out in it, waits in vain.
func (c cli) run(t *testing.T, user, inbox, verb string) (code int, printed string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), c.binary, strings.Fields(verb)...)
	cmd.Env = []string{
		"HOME=" + c.home, "NATS_URL=" + c.g.url, "NATS_USER=" + user, "NATS_PASSWORD=" + password,
		"NATS_INBOX_PREFIX=_INBOX." + inbox, "NATS_TIMEOUT=" + never.String(),
	}
	out, _ := cmd.CombinedOutput()
	return cmd.ProcessState.ExitCode(), string(out)
}

// lesser adds a user for each of the rules by which a user may publish, who lacks it, and returns their names.
func lesser(options *server.Options, name string) map[string]string {
	user := userOf(options, name)
	all := user.Permissions.Publish.Allow
	users := make(map[string]string, len(all))
	for i, rule := range all {
		users[rule] = fmt.Sprintf("%s-%d", name, i)
		permissions := *user.Permissions
		permissions.Publish = &server.SubjectPermission{Allow: slices.Concat(all[:i:i], all[i+1:])}
		options.Users = append(options.Users, &server.User{Username: users[rule], Password: password, Permissions: &permissions})
	}
	return users
}

// need is a verb for which a user needs a rule of deploy/auth.conf. One without a verb is for clusters, makes something faster, or
// is for another tool.
type need struct{ rule, verb string }

const replayed = "watch room org2/a noted --from first --count 1"

var watcherNeeds = []need{
	{"$JS.API.STREAM.INFO.KV_troupe-actors", "ls"},
	{"$JS.API.STREAM.INFO.KV_troupe-hosts", "hosts"},
	{"$JS.API.DIRECT.GET.KV_troupe-actors", "state history room org1/lobby"},
	{"$JS.API.DIRECT.GET.KV_troupe-actors.>", "state get room org1/lobby"},
	{"$JS.API.DIRECT.GET.KV_troupe-hosts", "ls"},
	{"$JS.API.STREAM.INFO.troupe-events", replayed},
	{"$JS.API.DIRECT.GET.troupe-events", replayed},
	{"$JS.API.STREAM.INFO.troupe-queue", "queue ls"},
	{"$JS.API.STREAM.INFO.troupe-inorder", "queue ls"},
	{"$JS.API.STREAM.INFO.troupe-later", "stuck"},
	{"$JS.API.STREAM.INFO.troupe-dead", "queue dead room org1/lobby post"},
	{"$JS.API.DIRECT.GET.troupe-dead", "queue dead room org1/lobby post"},
	{"$JS.API.DIRECT.GET.troupe-later.>", "queue ls"},
	{"troupe.host.*.info", "hosts"},
	{"troupe.host.*.info.>", "info room org1/lobby"},
	{"troupe.host.*.figures", "top --json"},
	{"troupe.host.*.awake", "top --json"},
	{"troupe.host.*.recent", "top --json"},
	{"troupe.host.*.stack.>", "info room org1/lobby --stack"},
	{"troupe.host.*.contract.>", "types room"},
	{"troupe.host.*.neighbours.>", ""}, // TestPagesForAWatcher
	{"$JS.API.STREAM.MSG.GET.KV_troupe-actors", ""}, {"$JS.API.STREAM.MSG.GET.KV_troupe-hosts", ""},
	{"$SRV.PING", ""}, {"$SRV.PING.>", ""}, {"$SRV.INFO", ""}, {"$SRV.INFO.>", ""}, {"$SRV.STATS", ""}, {"$SRV.STATS.>", ""},
}

var operatorNeeds = append(slices.Clone(watcherNeeds), []need{
	{"troupe.call.>", `call room org1/lobby say "x"`},
	{"troupe.route.>", `call room org1/new say "x"`},
	{"troupe.queue.>", `queue push room org1/lobby post "x"`},
	{"troupe.host.*.stream.>", "stream room org1/lobby readOut 9000"},
	{"troupe.inorder.>", `queue push room org1/lobby minute "x" --in-order`},
	{"$JS.API.DIRECT.GET.troupe-inorder", "queue skip room org1/lobby minute"},
	{"troupe.host.*.ping", `state set room org1/lobby {"Said":["a"]} --yes`},
	{"troupe.host.*.drain", "drain HOST --yes"},
	{"troupe.host.*.batch", ""},
	{"_INBOX.operator.>", `bench room org1/bench say "x" --count 10`},
	{"$JS.API.STREAM.INFO.KV_troupe-subscriptions", "doctor"},
	{"$JS.API.STREAM.INFO.troupe-journal", "doctor"},
	{"$JS.API.STREAM.INFO.troupe-answers", "doctor"},
	{"$JS.API.STREAM.INFO.troupe-due", "doctor"},
	{"$JS.API.DIRECT.GET.KV_troupe-subscriptions.>", "doctor"},
	{"$JS.API.DIRECT.GET.troupe-due", "doctor"},
	{"$JS.API.DIRECT.GET.troupe-journal.>", "doctor"},
	{"$KV.troupe-actors.>", `state set room org1/lobby {"Said":["a"]} --yes`},
	{"$JS.API.STREAM.UPDATE.KV_troupe-actors", "state keep 2"},
}...)

// Needed when a host was killed, and when streams are lost.
var (
	operatorNeedsForTheDead = []need{
		{"troupe.journal.>", "doctor --repair"},
		{"$JS.API.DIRECT.GET.troupe-journal", "doctor --repair"},
		{"$JS.API.DIRECT.GET.KV_troupe-hosts.>", `state set room org2/7 {"Said":["a"]} --yes`},
		{"$KV.troupe-hosts.>", `state set room org2/7 {"Said":["a"]} --yes`},
	}
	operatorNeedsForTheLost = []need{ // in the order in which it is repaired
		{"$KV.troupe-subscriptions.>", "doctor --repair"},
		{"$JS.API.STREAM.CREATE.troupe-due", "doctor --repair"},
		{"troupe.alarm.>", "doctor --repair"},
		{"$JS.API.DIRECT.GET.troupe-due.>", "doctor --repair"},
	}
)

// feat is a verb that a user may use, and how it ends.
type feat struct {
	verb string
	code int
}

const succeeds, findsNothing, isOver = 0, 3, 7

var watcherFeats = []feat{
	{"hosts", succeeds}, {"ls", succeeds}, {"ls room", succeeds}, {"info room org1/lobby", succeeds},
	{"state get room org1/lobby", succeeds}, {"state history room org1/lobby", succeeds}, {"state keep", succeeds},
	{"schedule ls", succeeds}, {"workflow ls", succeeds}, {"queue ls", succeeds}, {"queue dead room org1/lobby post", succeeds},
	{"hosts --json", succeeds}, {"top --once", succeeds}, {"info room org1/lobby --stack", succeeds}, {"types", succeeds},
	{"schema room", succeeds}, {"stuck", succeeds}, {"watch room org1/lobby --for 10ms", findsNothing}, {"watch * --for 10ms", findsNothing}, {replayed, succeeds},
}

var operatorFeats = append(slices.Clone(watcherFeats), []feat{
	{`call room org1/lobby say "x"`, succeeds}, {"info room org1/lobby", succeeds},
	{"stream room org1/lobby readOut 9000", succeeds}, {"sleep room org1/lobby", succeeds}, {"info room org1/lobby", succeeds},
	{`state set room org1/lobby {"Said":["a"]} --yes`, succeeds}, {"state keep 5", succeeds},
	{`schedule add room org1/lobby say "y" --after 30m --name x`, succeeds}, {"schedule ls room org1/lobby", succeeds},
	{"schedule run room org1/lobby x", succeeds}, {"schedule cancel room org1/lobby reminder", succeeds},
	{"schedule retry room org1/lobby", findsNothing},
	{`workflow start room org1/lobby invite "ann"`, succeeds}, {"workflow show room org1/lobby", succeeds},
	{"workflow signal room org1/lobby accepted true", succeeds}, {"workflow result room org1/lobby --wait", succeeds},
	{"workflow cancel room org1/lobby why", isOver}, {"workflow retry room org1/lobby", isOver},
	{`queue push room org1/lobby post "x"`, succeeds}, {"queue retry room org1/lobby post --all", succeeds},
	{"queue drop room org1/lobby post --all", -1}, // which of the two is first
	{"queue skip room org1/lobby minute", findsNothing},
	{`bench room org1/bench say "x" --count 10`, succeeds}, {"doctor", succeeds}, {"doctor --repair", succeeds},
	{"check --dead 9 --running 10m", succeeds},
	{"rm room org1/lobby --yes", succeeds}, {"drain HOST --yes", succeeds}, {"hosts", findsNothing},
}...)

// inhabited is a system with something of everything.
type inhabited struct {
	cli
	host   *actorhost.Host
	nc     *nats.Conn // of the host
	lesser map[string]map[string]string
}

func inhabit(t *testing.T) *inhabited {
	t.Helper()
	options := users(t)
	in := &inhabited{lesser: map[string]map[string]string{"watcher": lesser(options, "watcher"), "operator": lesser(options, "operator")}}
	options.Users = append(options.Users, &server.User{Username: "admin", Password: password})
	g := guard(t, options)
	in.cli = buildCLI(t, g)
	in.start(t)
	cl := g.client(t, "host")
	lobby, a := troupe.GetOrCreate[room](cl, "org1", "lobby"), troupe.GetOrCreate[room](cl, "org2", "a")
	_, err := say.Call(t.Context(), lobby, "hi")
	require.NoError(t, err)
	_, err = note.Call(t.Context(), a, "milk")
	require.NoError(t, err)
	for _, one := range []room{lobby, troupe.GetOrCreate[room](cl, "org2", "b")} {
		_, err = attend.Call(t.Context(), one, []string{"org2", "a"})
		require.NoError(t, err)
	}
	for _, one := range []room{lobby, a} {
		_, err = remind.Call(t.Context(), one, time.Hour)
		require.NoError(t, err)
	}
	require.NoError(t, invite.Start(t.Context(), a, "bob"))
	require.NoError(t, post.Push(t.Context(), lobby, "refused"))
	require.NoError(t, minute.Push(t.Context(), troupe.GetOrCreate[room](cl, "org2", "b"), "not yet"))
	require.NoError(t, ponder.Tell(t.Context(), troupe.GetOrCreate[room](cl, "org2", "study"), 10*time.Minute)) // until its time is over
	watching := troupe.GetOrCreate[room](g.client(t, "watcher"), "org1", "lobby")
	require.Eventually(t, func() bool {
		for _, err := range post.Dead(t.Context(), watching) {
			require.NoError(t, err)
			return true
		}
		return false
	}, 10*time.Second, 10*time.Millisecond)
	require.Eventually(t, func() bool {
		_, printed := in.run(t, "operator", "operator", "queue ls --json")
		return strings.Contains(printed, "heldUp")
	}, 10*time.Second, 100*time.Millisecond)
	require.Eventually(t, func() bool { // top asks hosts for what is awake only if something runs for long
		_, printed := in.run(t, "operator", "operator", "top --json")
		return strings.Contains(printed, `"name":"ponder","since"`)
	}, 10*time.Second, 100*time.Millisecond)
	return in
}

func (in *inhabited) start(t *testing.T) {
	t.Helper()
	in.nc = in.g.connect(t, "host")
	host, err := actorhost.Start(t.Context(), in.nc, actorhost.Config{Logger: slog.New(slog.DiscardHandler)}, furnished)
	require.NoError(t, err)
	t.Cleanup(func() { _ = host.Stop(context.Background()) }) // as far as it can: some are killed
	in.host = host
}

// kill ends the host while its journal has what the records have not.
func (in *inhabited) kill(t *testing.T) {
	t.Helper()
	cl := in.g.client(t, "host")
	var all errgroup.Group
	for i := range 200 {
		all.Go(func() error {
			for range 20 {
				if _, err := say.Call(t.Context(), troupe.GetOrCreate[room](cl, "org2", strconv.Itoa(i)), "x"); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, all.Wait())
	in.nc.Close()
	require.Eventually(t, func() bool { // its lease runs out
		code, _ := in.run(t, "operator", "operator", "hosts")
		return code == findsNothing
	}, time.Minute, 100*time.Millisecond)
}

// lose has streams lost.
func (in *inhabited) lose(t *testing.T) {
	t.Helper()
	js := in.g.admin(t)
	require.NoError(t, js.DeleteStream(t.Context(), "troupe-due"))
	index, err := js.Stream(t.Context(), "KV_troupe-subscriptions")
	require.NoError(t, err)
	require.NoError(t, index.Purge(t.Context()))
}

// lack has users do without each rule what needs it.
func (in *inhabited) lack(t *testing.T, user string, needs []need) {
	t.Helper()
	for _, n := range needs {
		name, known := in.lesser[user][n.rule]
		require.True(t, known, "%s has no rule %s", user, n.rule)
		if n.verb != "" {
			_, printed := in.run(t, name, user, strings.ReplaceAll(n.verb, "HOST", in.host.ID()))
			require.Regexp(t, "denied|NATS does not allow", printed, "%s without %s: %s", user, n.rule, n.verb)
		}
	}
}

// do has a user do what they may.
func (in *inhabited) do(t *testing.T, user string, feats []feat) {
	t.Helper()
	for _, f := range feats {
		code, printed := in.run(t, user, user, strings.ReplaceAll(f.verb, "HOST", in.host.ID()))
		require.NotRegexp(t, "denied|NATS does not allow", printed, "%s: %s", user, f.verb)
		if f.code >= 0 {
			require.Equal(t, f.code, code, "%s: %s: %s", user, f.verb, printed)
		}
	}
}

// TestCommandLineOfRoles has those who use the command line do all that they may, and each thing without a rule that it needs:
// there is no other rule.
func TestCommandLineOfRoles(t *testing.T) {
	in := inhabit(t)
	in.lack(t, "watcher", watcherNeeds)
	in.lack(t, "operator", operatorNeeds)
	in.kill(t)
	in.lack(t, "operator", operatorNeedsForTheDead)
	in.do(t, "operator", []feat{{`state set room org2/7 {"Said":["a"]} --yes`, succeeds}, {"doctor --repair", succeeds}, {"doctor", succeeds}})
	in.start(t)
	in.do(t, "watcher", watcherFeats)
	in.do(t, "operator", operatorFeats)
	in.lose(t)
	in.lack(t, "operator", operatorNeedsForTheLost)
	in.do(t, "operator", []feat{{"doctor --repair", succeeds}, {"doctor", succeeds}})
	require.Len(t, in.lesser["watcher"], len(watcherNeeds))
	require.Len(t, in.lesser["operator"], len(operatorNeeds)+len(operatorNeedsForTheDead)+len(operatorNeedsForTheLost))
}
