package main

import (
	"crypto/rand"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/examples/audit/company"
)

const shownEntries = 1000 // an answer has an end, the log has none

// actors are what a host of the company runs.
var actors = []actorhost.Definition{
	actorhost.Define(func() usersState { return usersState{} },
		actorhost.On(company.CreateUser, (*usersState).createUser)).
		Broadcasts(company.UserCreated),
	actorhost.Define(func() ordersState { return ordersState{} },
		actorhost.On(company.CompleteOrder, (*ordersState).completeOrder)).
		Broadcasts(company.OrderCompleted),
	actorhost.Define(func() auditLogState { return auditLogState{} },
		actorhost.On(company.StartAuditing, actorhost.NoIn((*auditLogState).startAuditing)),
		actorhost.On(company.GetLogs, actorhost.NoIn((*auditLogState).getLogs)).ReadOnly()).
		OnEvents(
			actorhost.OnEvent(company.UserCreated, (*auditLogState).userCreated),
			actorhost.OnEvent(company.OrderCompleted, (*auditLogState).orderCompleted)).
		Broadcasts(company.Logged),
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

// auditLogState is the audit log. Its entries are kept apart: however many there are, another costs what it has itself.
type auditLogState struct {
	Count   int                               `json:"count"`
	Entries actorhost.Map[int, company.Entry] `json:"entries"` // from 1 on
}

// startAuditing subscribes to what the others broadcast, for good: an event wakes the log wherever it is.
func (s *auditLogState) startAuditing(c *actorhost.Context) (company.Status, error) {
	users := troupe.GetOrCreate[company.Users](c, "main")
	if err := company.UserCreated.SubscribeDurable(c, users); err != nil {
		return company.Status{}, err
	}
	orders := troupe.GetOrCreate[company.Orders](c, "main")
	if err := company.OrderCompleted.SubscribeDurable(c, orders); err != nil {
		return company.Status{}, err
	}
	return company.Status{Status: "auditing started"}, nil
}

// userCreated is a turn of its own, like an action: no other runs meanwhile. What it changes is stored together with how
// far the subscription has come, so an event that is delivered again is not logged again.
func (s *auditLogState) userCreated(c *actorhost.Context, user company.User) error {
	return s.log(c, company.Entry{Event: company.UserCreated.Name(), User: &user})
}

func (s *auditLogState) orderCompleted(c *actorhost.Context, order company.Order) error {
	return s.log(c, company.Entry{Event: company.OrderCompleted.Name(), Order: &order})
}

func (s *auditLogState) log(c *actorhost.Context, entry company.Entry) error {
	entry.Timestamp = time.Now().UTC()
	s.Count++
	if err := s.Entries.Set(c, s.Count, entry); err != nil {
		return err
	}
	return company.Logged.Broadcast(c, entry)
}

func (s *auditLogState) getLogs(c *actorhost.Context) ([]company.Entry, error) {
	logs := []company.Entry{}
	for one, err := range s.Entries.From(c, s.Count-shownEntries+1) {
		if err != nil {
			return nil, err
		}
		logs = append(logs, one.Value)
	}
	return logs, nil
}
