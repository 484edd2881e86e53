package store

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Anybody may have made a stream by hand, or changed one. A stream that would lose what is stored, or with which a host
// could not work, is refused when a host opens it. What is less bad is logged.

// purpose is what a stream is for.
type purpose int

const (
	forRecords purpose = iota
	forJournals
	forHosts
	forSubscriptions
	forEvents
	forAnswers
	forAlarms
	forQueues
	forLater
	forDead
	forInOrder
)

// What becomes of a stream with a wrong setting, in the table below. With any other letter, all values are right.
const (
	refuse = 'R'
	warn   = 'w'
)

type streamConfig = jetstream.StreamConfig

// rule says how a setting must be. Have are the settings of a stream, want those that a host would give it. If have is
// wrong, the rule returns its value and the right one.
type rule func(have, want *streamConfig) (value, right string)

// rules are for the settings of streams, by the names that NATS gives them.
var rules = []struct {
	setting  string
	verdicts string // for each purpose in turn
	rule     rule
}{
	{"subjects", "RRRRRRRRRRR", otherSubjects},
	{"retention", "RRRRRRRRRRR", other(func(c *streamConfig) any { return c.Retention })},
	{"storage", "RRwRRRRRRRR", other(func(c *streamConfig) any { return c.Storage })},
	{"max_age", "RRRR--RRR-R", other(func(c *streamConfig) any { return c.MaxAge })},
	{"max_age", "----w----w-", other(func(c *streamConfig) any { return c.MaxAge })},
	{"max_age", "-----R-----", shorter},
	{"discard", "RRRR-R-----", discardsOld},
	{"discard", "-------R--R", other(func(c *streamConfig) any { return c.Discard })},
	{"max_msgs", "------R-R--", other(func(c *streamConfig) any { return max(c.MaxMsgs, 0) })},
	{"max_bytes", "------w-ww-", limitedBytes}, // with schedules, JetStream makes room by dropping the oldest
	{"discard_new_per_subject", "RRRRRRRRRRR", other(func(c *streamConfig) any { return c.DiscardNewPerSubject })},
	{"max_msgs_per_subject", "R-RR-------", noHistory},
	{"max_msgs_per_subject", "-R--wR-----", limitedHistory},
	{"max_msgs_per_subject", "------R-R--", other(func(c *streamConfig) any { return c.MaxMsgsPerSubject })},
	{"allow_rollup_hdrs", "RRRR---R-RR", other(func(c *streamConfig) any { return c.AllowRollup })},
	{"allow_msg_ttl", "RRRR---R-RR", other(func(c *streamConfig) any { return c.AllowMsgTTL })},
	{"allow_direct", "RRRRRRRRRRR", other(func(c *streamConfig) any { return c.AllowDirect })},
	{"allow_atomic", "w----------", other(func(c *streamConfig) any { return c.AllowAtomicPublish })},
	{"allow_msg_counter", "RRRRRRRRRRR", other(func(c *streamConfig) any { return c.AllowMsgCounter })},
	{"sealed", "RRRRRRRRRRR", other(func(c *streamConfig) any { return c.Sealed })},
	{"no_ack", "RRRRRRRRRRR", other(func(c *streamConfig) any { return c.NoAck })},
	{"persist_mode", "RRwRRRRRRRR", other(func(c *streamConfig) any { return c.PersistMode })},
	{"mirror", "RRRRRRRRRRR", other(func(c *streamConfig) any { return c.Mirror })},
	{"sources", "RRRRRRRRRRR", other(func(c *streamConfig) any { return c.Sources })},
	{"subject_transform", "RRRRRRRRRRR", other(func(c *streamConfig) any { return c.SubjectTransform })},
	{"republish", "----R------", other(func(c *streamConfig) any { return c.RePublish })},
	{"allow_msg_schedules", "------RRR-R", other(func(c *streamConfig) any { return c.AllowMsgSchedules })},
	{"num_replicas", "wwwwwwwwwww", fewerReplicas},
	{"max_msg_size", "wwwwwww----", limitedSize},
	{"compression", "wwwwwwwwwww", other(func(c *streamConfig) any { return c.Compression })},
}

// check returns an error if a stream cannot be used, and logs what is less bad.
func (p purpose) check(have, want *streamConfig, logger *slog.Logger) error {
	var wrong []string
	for _, r := range rules {
		value, right := r.rule(have, want)
		switch verdict := r.verdicts[p]; {
		case right == "":
		case verdict == refuse:
			wrong = append(wrong, fmt.Sprintf("%s is %s, it must be %s", r.setting, value, right))
		case verdict == warn && logger != nil:
			logger.Warn("a stream is not as a host would make it", slog.String("stream", have.Name),
				slog.String("setting", r.setting), slog.String("value", value), slog.String("usual", right))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("%s is not as a host needs it: %s", streamName(have.Name), strings.Join(wrong, "; "))
}

// streamName is how people call a stream.
func streamName(name string) string {
	if bucket, ok := strings.CutPrefix(name, "KV_"); ok {
		return "the bucket " + bucket
	}
	return "the stream " + name
}

// other is the rule that a setting is what a host would make it.
func other(setting func(*streamConfig) any) rule {
	return func(have, want *streamConfig) (string, string) {
		value, right := settingText(setting(have)), settingText(setting(want))
		if value == right {
			return "", ""
		}
		return value, right
	}
}

func settingText(value any) string {
	if d, ok := value.(time.Duration); ok {
		return d.String()
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	if string(text) == "null" {
		return "none"
	}
	return strings.Trim(string(text), `"`)
}

// otherSubjects: a subject whose last token is * in want may have any name there.
func otherSubjects(have, want *streamConfig) (string, string) {
	same := slices.EqualFunc(have.Subjects, want.Subjects, func(have, want string) bool {
		parent, wild := strings.CutSuffix(want, "*")
		name, under := strings.CutPrefix(have, parent)
		return have == want && !wild || wild && under && name != "" && !strings.ContainsAny(name, ".*>")
	})
	if same {
		return "", ""
	}
	return fmt.Sprint(have.Subjects), fmt.Sprint(want.Subjects)
}

func shorter(have, want *streamConfig) (string, string) {
	if have.MaxAge == 0 || want.MaxAge != 0 && have.MaxAge >= want.MaxAge {
		return "", ""
	}
	return have.MaxAge.String(), "0 or at least " + want.MaxAge.String()
}

func discardsOld(have, _ *streamConfig) (string, string) {
	if have.Discard != jetstream.DiscardOld || have.MaxBytes <= 0 && have.MaxMsgs <= 0 {
		return "", ""
	}
	return fmt.Sprintf("old (max_bytes is %d, max_msgs %d)", have.MaxBytes, have.MaxMsgs), "new"
}

func limitedBytes(have, want *streamConfig) (string, string) {
	if have.MaxBytes <= 0 || want.MaxBytes > 0 && have.MaxBytes >= want.MaxBytes {
		return "", ""
	}
	return fmt.Sprint(have.MaxBytes), "unlimited"
}

func noHistory(have, _ *streamConfig) (string, string) {
	if have.MaxMsgsPerSubject > 0 {
		return "", ""
	}
	return "unlimited", "1 or more"
}

func limitedHistory(have, _ *streamConfig) (string, string) {
	if have.MaxMsgsPerSubject <= 0 {
		return "", ""
	}
	return fmt.Sprint(have.MaxMsgsPerSubject), "unlimited"
}

func limitedSize(have, _ *streamConfig) (string, string) {
	if have.MaxMsgSize <= 0 {
		return "", ""
	}
	return fmt.Sprint(have.MaxMsgSize), "unlimited"
}

func fewerReplicas(have, want *streamConfig) (string, string) {
	if have.Replicas >= want.Replicas {
		return "", ""
	}
	return fmt.Sprint(have.Replicas), fmt.Sprint(want.Replicas)
}
