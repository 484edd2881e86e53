package watch

import (
	"time"

	"github.com/troupe-go/troupe"
)

// Agent refers to an agent, which looks at a page again and again without being called.
type Agent struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (Agent) ActorType() string { return "agent" }

// Actions and events of an agent.
var (
	// Follow gives it a task instead of the one that it had.
	Follow = troupe.NewAction[Agent, Task, troupe.None]("follow")
	// Look returns what it has seen.
	Look = troupe.NewAction[Agent, troupe.None, Report]("look")

	// Changed tells of each change of the page that it has seen.
	Changed = troupe.NewEvent[Agent, Report]("changed")
)

// Task is which page an agent looks at, and how often; by default once a second.
type Task struct {
	Page  string        `json:"page"`
	Every time.Duration `json:"every"`
}

// Report is what an agent has seen of its page.
type Report struct {
	Page    string `json:"page"`
	Text    string `json:"text"`
	Polls   int    `json:"polls"`
	Changes int    `json:"changes"`
}
