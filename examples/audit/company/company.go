// Package company is the contract of a company whose actors broadcast what they do, and of the audit log that listens.
package company

import (
	"time"

	"github.com/troupe-go/troupe"
)

// Users refers to what knows the users.
type Users struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (Users) ActorType() string { return "users" }

// Orders refers to what completes orders.
type Orders struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (Orders) ActorType() string { return "orders" }

// AuditLog refers to what listens to the others.
type AuditLog struct{ troupe.Ref }

// ActorType implements troupe.Reference.
func (AuditLog) ActorType() string { return "auditLog" }

var (
	// CreateUser creates a user with this name and broadcasts UserCreated.
	CreateUser = troupe.NewAction[Users, string, User]("createUser")
	// UserCreated tells of a new user. It is kept, for those who subscribe for good.
	UserCreated = troupe.NewDurableEvent[Users, User]("userCreated")

	// CompleteOrder completes an order of this amount and broadcasts OrderCompleted.
	CompleteOrder = troupe.NewAction[Orders, int, Order]("completeOrder")
	// OrderCompleted tells of a completed order, likewise.
	OrderCompleted = troupe.NewDurableEvent[Orders, Order]("orderCompleted")
)

var (
	// StartAuditing has the log subscribe to what the others broadcast. What is broadcast once it has returned is logged,
	// each event once, though the log may sleep or its host be down when it happens. Calling it again changes nothing.
	StartAuditing = troupe.NewAction[AuditLog, troupe.None, Status]("startAuditing")
	// GetLogs returns the latest 1,000 entries, the oldest first.
	GetLogs = troupe.NewAction[AuditLog, troupe.None, []Entry]("getLogs")
	// Logged tells of each new entry, once it is stored.
	Logged = troupe.NewEvent[AuditLog, Entry]("logged")
)

// User is a user of the company.
type User struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Order is an order that is completed.
type Order struct {
	ID     string `json:"id"`
	Amount int    `json:"amount"` // in cents
}

// Status is the answer to StartAuditing.
type Status struct {
	Status string `json:"status"`
}

// Entry is one event in the audit log: it has the user or the order that the event brought.
type Entry struct {
	Event     string    `json:"event"`
	User      *User     `json:"user,omitempty"`
	Order     *Order    `json:"order,omitempty"`
	Timestamp time.Time `json:"timestamp"`
}

// ID is the id of the user or of the order.
func (e Entry) ID() string {
	switch {
	case e.User != nil:
		return e.User.ID
	case e.Order != nil:
		return e.Order.ID
	default:
		return ""
	}
}
