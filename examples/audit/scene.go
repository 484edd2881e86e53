package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/examples/audit/company"
	"github.com/troupe-go/troupe/examples/internal/stage"
)

// logTimeout bounds the wait for the entries of the scene, which are there in milliseconds.
const logTimeout = 10 * time.Second

var tour = stage.Tour{
	Calls: []stage.Call{
		{Type: "users", Key: "main", Action: "createUser", Input: `"Zoe"`},
		{Type: "orders", Key: "main", Action: "completeOrder", Input: "4990"},
		{Type: "auditLog", Key: "main", Action: "startAuditing"},
		{Type: "auditLog", Key: "main", Action: "getLogs"},
	},
	Watch: "auditLog main logged",
}

// scene starts the audit, has things happen at once, and shows what the log says of them.
func scene(ctx context.Context, s *stage.Stage, c *client.Client) (err error) {
	s.Title("Event-driven audit log", "Two actors broadcast what they do. A third listens and logs it.")
	auditLog := troupe.GetOrCreate[company.AuditLog](c, "main")
	logged := make(chan company.Entry, shownEntries)
	sub, err := company.Logged.Subscribe(ctx, auditLog, func(_ context.Context, entry company.Entry) error {
		logged <- entry
		return nil
	})
	if err != nil {
		return fmt.Errorf("listening to the audit log: %w", err)
	}
	defer func() { err = errors.Join(err, sub.Unsubscribe()) }()

	for _, note := range []string{"", "  again, which changes nothing"} {
		status, err := company.StartAuditing.Call(ctx, auditLog, nil)
		if err != nil {
			return fmt.Errorf("starting the audit: %w", err)
		}
		s.Done("%s%s", status.Status, s.Dim(note))
	}
	s.Line("")
	happened, err := act(ctx, s, c)
	if err != nil {
		return err
	}
	s.Line("")
	if err := show(ctx, s, logged, happened); err != nil {
		return err
	}
	logs, err := company.GetLogs.Call(ctx, auditLog, nil)
	if err != nil {
		return fmt.Errorf("reading the audit log: %w", err)
	}
	s.Line("")
	s.Line("Auditing was started twice, and each event is logged once. The log has %d entries by now, and forgets none.", len(logs))
	s.Line("The events of one actor are logged in their order, those of two in any.")
	return nil
}

// act has users created and orders completed. It returns the IDs of what came to be.
func act(ctx context.Context, s *stage.Stage, c *client.Client) (map[string]bool, error) {
	users := troupe.GetOrCreate[company.Users](c, "main")
	orders := troupe.GetOrCreate[company.Orders](c, "main")
	ids := make(map[string]bool)
	for _, person := range []struct {
		name   string
		amount int
	}{{"Ada", 49_90}, {"Grace", 7_50}, {"Linus", 120_00}} {
		user, err := company.CreateUser.Call(ctx, users, person.name)
		if err != nil {
			return nil, fmt.Errorf("creating %s: %w", person.name, err)
		}
		order, err := company.CompleteOrder.Call(ctx, orders, person.amount)
		if err != nil {
			return nil, fmt.Errorf("completing the order of %s: %w", person.name, err)
		}
		s.Line("• %-6s joined, and ordered for %s", user.Name, euros(order.Amount))
		ids[user.ID], ids[order.ID] = true, true
	}
	return ids, nil
}

// show prints entries as the log tells of them, until all that happened is there. Others may use the log as well.
func show(ctx context.Context, s *stage.Stage, logged <-chan company.Entry, happened map[string]bool) error {
	ctx, cancel := context.WithTimeout(ctx, logTimeout)
	defer cancel()
	for missing := len(happened); missing > 0; {
		select {
		case entry := <-logged:
			if !happened[entry.ID()] {
				continue
			}
			missing--
			s.Done("%s  %-15s %s", s.Dim(entry.Timestamp.Local().Format("15:04:05.000000")), entry.Event, detail(entry))
		case <-ctx.Done():
			return fmt.Errorf("waiting for %d entries of the audit log: %w", missing, ctx.Err())
		}
	}
	return nil
}

func detail(entry company.Entry) string {
	switch {
	case entry.User != nil:
		return entry.User.Name
	case entry.Order != nil:
		return euros(entry.Order.Amount)
	default:
		return ""
	}
}

func euros(cents int) string { return fmt.Sprintf("€%d.%02d", cents/100, cents%100) }
