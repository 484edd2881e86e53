package deploy_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"
)

// roleRow is a row of the table of what each user needs, in docs/security.md.
type roleRow struct {
	what  string
	rules map[rule]bool   // whether somebody has it
	users map[string]bool // whether they have one of them
}

// rule allows to publish, or to subscribe to, what begins with a subject.
type rule struct {
	publish bool
	subject string
}

var asCode = regexp.MustCompile("`([^`]+)`")

func roleRows(t *testing.T) (rows []roleRow) {
	t.Helper()
	text, err := os.ReadFile("../docs/security.md")
	require.NoError(t, err)
	_, section, _ := strings.Cut(string(text), "\n## What each user needs\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for line := range strings.SplitSeq(section, "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if len(cells) != 8 || !strings.Contains(line, "`") {
			continue
		}
		row := roleRow{strings.TrimSpace(cells[0]), make(map[rule]bool), make(map[string]bool)}
		for i, publish := range []bool{true, false} {
			for _, found := range asCode.FindAllStringSubmatch(cells[1+i], -1) {
				row.rules[rule{publish, found[1]}] = false
			}
		}
		for i, user := range []string{"host", "org1", "page", "watcher", "operator"} {
			if strings.TrimSpace(cells[3+i]) != "" {
				row.users[user] = false
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// isUnder reports whether a subject begins with others, in which * is any token, and USER the user's name.
func isUnder(subject, beginning, user string) bool {
	tokens := strings.Split(subject, ".")
	for i, token := range strings.Split(strings.TrimSuffix(beginning, ".>"), ".") {
		if i >= len(tokens) || token != "*" && token != tokens[i] && (token != "USER" || tokens[i] != user) {
			return false
		}
	}
	return true
}

// explain marks all in the rows that a user's permission is about, and reports whether it is in one of them.
func explain(rows []roleRow, user string, publish bool, subject string) (explained bool) {
	for _, row := range rows {
		if _, concerned := row.users[user]; !concerned {
			continue
		}
		for one := range row.rules {
			within := isUnder(subject, one.subject, user)
			if one.publish == publish && (within || strings.HasSuffix(subject, ".>") && isUnder(one.subject, subject, user)) {
				row.rules[one], row.users[user] = true, true
				explained = explained || within
			}
		}
	}
	return explained
}

// TestTableOfUsers compares the table with deploy/auth.conf: every permission has its row, and every yes its permission.
func TestTableOfUsers(t *testing.T) {
	rows := roleRows(t)
	require.NotEmpty(t, rows)
	for _, user := range users(t).Users {
		for publish, permission := range map[bool]*server.SubjectPermission{true: user.Permissions.Publish, false: user.Permissions.Subscribe} {
			for _, subject := range permission.Allow {
				subject, _, _ := strings.Cut(subject, " ") // a queue group may follow
				require.True(t, explain(rows, user.Username, publish, subject), "why may %s publish (%v) or subscribe to %s?", user.Username, publish, subject)
			}
		}
		if user.Permissions.Response != nil {
			require.True(t, explain(rows, user.Username, true, "allow_responses"))
		}
	}
	for _, row := range rows {
		for user, has := range row.users {
			require.True(t, has, "%s: %s has no permission for it", row.what, user)
		}
		for one, used := range row.rules {
			require.True(t, used, "%s: nobody has %v", row.what, one)
		}
	}
}
