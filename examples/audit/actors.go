package main

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/examples/audit/company"
)

const (
	keptEntries = 1000 // a record is written whole, so it should not grow for ever
	// A sleeping actor hears nothing, so the audit log stays awake for longer than others.
	auditSleepAfter = time.Hour
)

// actors are what a host of the company runs.
var actors = []actorhost.Definition{
	actorhost.Define(func() usersState { return usersState{} },
		actorhost.On(company.CreateUser, (*usersState).createUser)),
	actorhost.Define(func() ordersState { return ordersState{} },
		actorhost.On(company.CompleteOrder, (*ordersState).completeOrder)),
	actorhost.Define(func() auditLogState { return auditLogState{} },
		actorhost.On(company.StartAuditing, actorhost.NoIn((*auditLogState).startAuditing)),
		actorhost.On(company.GetLogs, actorhost.NoIn((*auditLogState).getLogs))).
		OnWake((*auditLogState).wake).
		SleepAfter(auditSleepAfter),
}

// usersState counts the users.
type usersState struct {
	Created int `json:"created"`
}

func (s *usersState) createUser(c *actorhost.Context, name string) (company.User, error) {
	s.Created++
	user := company.User{ID: rand.Text(), Name: name}
	return user, company.UserCreated.Broadcast(c, user) // it leaves once the state is stored
}

// ordersState counts the orders.
type ordersState struct {
	Completed int `json:"completed"`
}

func (s *ordersState) completeOrder(c *actorhost.Context, amount int) (company.Order, error) {
	s.Completed++
	order := company.Order{ID: rand.Text(), Amount: amount}
	return order, company.OrderCompleted.Broadcast(c, order)
}

// auditLogState is the audit log.
type auditLogState struct {
	Auditing bool            `json:"auditing"`
	Logs     []company.Entry `json:"logs"`
}

func (s *auditLogState) startAuditing(c *actorhost.Context) (company.Status, error) {
	if err := s.listen(c); err != nil {
		return company.Status{}, err
	}
	s.Auditing = true
	return company.Status{Status: "auditing started"}, nil
}

// wake listens again: subscriptions last as long as the actor is awake, and what was broadcast in the meantime is gone.
func (s *auditLogState) wake(c *actorhost.Context) error {
	if !s.Auditing {
		return nil
	}
	return s.listen(c)
}

// listen subscribes to what the others broadcast. The subscriptions are in force when it returns, and subscribing
// again replaces the handlers.
func (s *auditLogState) listen(c *actorhost.Context) error {
	users := troupe.GetOrCreate[company.Users](c, "main")
	if _, err := company.UserCreated.Subscribe(c, users, s.userCreated); err != nil {
		return err
	}
	orders := troupe.GetOrCreate[company.Orders](c, "main")
	_, err := company.OrderCompleted.Subscribe(c, orders, s.orderCompleted)
	return err
}

// userCreated is a turn of its own, like an action: no other runs meanwhile, and what it changes is stored.
func (s *auditLogState) userCreated(ctx context.Context, user company.User) error {
	return s.log(ctx, company.Entry{Event: company.UserCreated.Name(), User: &user})
}

func (s *auditLogState) orderCompleted(ctx context.Context, order company.Order) error {
	return s.log(ctx, company.Entry{Event: company.OrderCompleted.Name(), Order: &order})
}

func (s *auditLogState) log(ctx context.Context, entry company.Entry) error {
	c, ok := actorhost.FromContext(ctx)
	if !ok {
		return errors.New("the handler of an event does not run in a turn")
	}
	entry.Timestamp = time.Now().UTC()
	s.Logs = append(s.Logs, entry)
	s.Logs = s.Logs[max(0, len(s.Logs)-keptEntries):]
	return company.Logged.Broadcast(c, entry)
}

func (s *auditLogState) getLogs(*actorhost.Context) ([]company.Entry, error) { return s.Logs, nil }
