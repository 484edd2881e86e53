package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/client"
	"github.com/troupe-go/troupe/examples/carts/market"
	"github.com/troupe-go/troupe/examples/internal/stage"
)

// In the scene half an hour takes 3 seconds, and a day 4.
const (
	scenePatience = 3 * time.Second
	sceneCloses   = "*/4 * * * * *"
	sceneTimeout  = 90 * time.Second // it takes 12 s
	redraw        = 50 * time.Millisecond
)

var tour = stage.Tour{
	Calls: []stage.Call{
		{Type: "cart", Key: "me", Action: "add", Input: `{"name":"tea","price":490}`},
		{Type: "cart", Key: "me", Action: "look"},
		{Type: "cart", Key: "me", Action: "checkout"},
		{Type: "market", Key: "main", Action: "lastReport"},
	},
	Commands: []string{"schedule ls", "schedule run market main closing"},
	Watch:    "cart me",
}

// play is a scene under way. One goroutine tells it; what is heard reaches that through happened.
type play struct {
	s         *stage.Stage
	c         *client.Client
	began     time.Time
	happened  chan func()
	countdown *countdown

	attempts                  int // of the mail that failed
	expired, mailed, reported bool
}

// step is what a customer does, and when.
type step struct {
	after time.Duration
	do    func(ctx context.Context) error
}

// scene shows two customers, of whom one walks away.
func scene(ctx context.Context, s *stage.Stage, c *client.Client) (err error) {
	s.Title("Carts that expire", "Actors schedule what they will do, and sleep until then. Here a cart waits 3 s, and a day takes 4 s.")
	s.Expect("a scheduled action failed and is tried again") // show tells
	ctx, cancel := context.WithTimeout(ctx, sceneTimeout)
	defer cancel()
	p := &play{s: s, c: c, happened: make(chan func(), 64), countdown: newCountdown(s)}
	anna, ben := troupe.GetOrCreate[market.Cart](c, "anna"), troupe.GetOrCreate[market.Cart](c, "ben")
	end, err := p.open(ctx, anna, ben)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	p.began = time.Now()
	return p.run(ctx, anna, []step{
		{0, p.add("anna", anna, market.Piece{Name: "coffee", Price: 6_90})},
		{300 * time.Millisecond, p.add("ben", ben, market.Piece{Name: "a bike", Price: 499_00})},
		{1800 * time.Millisecond, p.add("anna", anna, market.Piece{Name: "tea", Price: 4_90})},
		{4500 * time.Millisecond, p.add("anna", anna, market.Piece{Name: "cake", Price: 12_00})},
		{6 * time.Second, p.checkout("anna", anna)},
	})
}

// open prepares the market, and listens to what will happen.
func (p *play) open(ctx context.Context, carts ...market.Cart) (end func() error, err error) {
	main := troupe.GetOrCreate[market.Market](p.c, mainKey)
	if err := p.closes(ctx, main, sceneCloses); err != nil { // from outside, by the name that the market has given it
		return nil, err
	}
	end = func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return p.evening(ctx, main)
	}
	if _, err := market.Reported.Subscribe(ctx, main, heard(p, p.report)); err != nil {
		return end, fmt.Errorf("listening to the market: %w", err)
	}
	for _, cart := range carts {
		err := market.Take.Create(ctx, cart, market.Kind{Patience: scenePatience})
		if err != nil && !errors.Is(err, troupe.ErrAlreadyExists) {
			return end, fmt.Errorf("taking a cart: %w", err)
		}
		name := cart.ID().KeyString()
		_, err = market.Expired.Subscribe(ctx, cart, heard(p, func(v market.View) { p.expire(name, v) }))
		if err == nil {
			_, err = market.Confirmed.Subscribe(ctx, cart, heard(p, p.mail))
		}
		if err != nil {
			return end, fmt.Errorf("listening to a cart: %w", err)
		}
	}
	return end, nil
}

// heard has an event told by the goroutine that tells all.
func heard[T any](p *play, tell func(T)) func(context.Context, T) error {
	return func(ctx context.Context, payload T) error {
		select {
		case p.happened <- func() { tell(payload) }:
		case <-ctx.Done():
		}
		return nil
	}
}

// closes sets when a market closes.
func (*play) closes(ctx context.Context, m market.Market, cron string) error {
	_, err := market.CloseDay.Cron(troupe.SchedulerOf(ctx, m), cron, nil, troupe.In(market.Zone), troupe.Named(market.Closing))
	if err != nil {
		return fmt.Errorf("setting when the market closes: %w", err)
	}
	return nil
}

// run has the customers do what they do, and tells what happens, until the end.
func (p *play) run(ctx context.Context, mailFrom market.Cart, steps []step) error {
	defer p.countdown.clear()
	ticker := time.NewTicker(redraw)
	defer ticker.Stop()
	for !p.expired || !p.mailed || !p.reported {
		select {
		case tell := <-p.happened:
			tell()
		case now := <-ticker.C:
			if len(steps) > 0 && now.Sub(p.began) >= steps[0].after {
				if err := steps[0].do(ctx); err != nil {
					return err
				}
				steps = steps[1:]
			} else if len(steps) == 0 && !p.mailed {
				if err := p.look(ctx, mailFrom); err != nil {
					return err
				}
			}
			p.countdown.draw(now)
		case <-ctx.Done():
			return fmt.Errorf("waiting for what is scheduled: %w", ctx.Err())
		}
	}
	return nil
}

// add is a step: a customer takes something.
func (p *play) add(name string, cart market.Cart, piece market.Piece) func(context.Context) error {
	return func(ctx context.Context) error {
		view, err := market.Add.Call(ctx, cart, piece)
		if err != nil {
			return fmt.Errorf("%s takes %s: %w", name, piece.Name, err)
		}
		what := "the cart waits until %s"
		if len(view.Pieces) > 1 {
			what = "and waits until %s now"
		}
		p.countdown.set(name, view.Expires)
		p.tell(p.bullet, "%-4s takes %-7s %8s   %s", name, piece.Name, euros(piece.Price), p.s.Dim(fmt.Sprintf(what, p.at(view.Expires))))
		return nil
	}
}

// checkout is the last step.
func (p *play) checkout(name string, cart market.Cart) func(context.Context) error {
	return func(ctx context.Context) error {
		order, err := market.Checkout.Call(ctx, cart, nil)
		if err != nil {
			return fmt.Errorf("%s pays: %w", name, err)
		}
		p.countdown.set(name, time.Time{})
		p.tell(p.s.Done, "%-4s pays  %-7s %8s   %s", name, fmt.Sprintf("for %d", order.Pieces), euros(order.Total),
			p.s.Dim("it expires no more; a mail follows"))
		return nil
	}
}

// look shows what failed: what is scheduled says how often it was tried, and why it is not done.
func (p *play) look(ctx context.Context, cart market.Cart) error {
	scheduled, err := troupe.SchedulerOf(ctx, cart).Schedules()
	if errors.Is(err, troupe.ErrNotFound) { // the mail is out, and the cart gone
		return nil
	}
	if err != nil {
		return fmt.Errorf("asking what is scheduled: %w", err)
	}
	for _, one := range scheduled {
		if one.Action == "confirm" && one.Attempts > p.attempts {
			p.attempts = one.Attempts
			p.tell(p.s.Refused, "mail to anna: %s   %s", one.Error, p.s.Dim("tried again at "+p.at(one.Due)))
		}
	}
	return nil
}

func (p *play) expire(name string, v market.View) {
	p.expired = true
	p.countdown.set(name, time.Time{})
	p.tell(p.s.Refused, "%-4s has walked away: his cart has expired, %s is back on the shelf", name, v.Pieces[len(v.Pieces)-1].Name)
}

func (p *play) mail(m market.Mail) {
	p.mailed = true
	p.tell(p.s.Done, "mail to %s is out, at attempt %d   %s", m.Customer, m.Attempt, p.s.Dim("its cart is gone"))
}

func (p *play) report(r market.Report) {
	if p.began.IsZero() {
		return
	}
	p.reported = p.reported || r.Orders > 0
	made := fmt.Sprintf("orders %d, %s", r.Orders, euros(r.Total))
	if r.Missed > 0 {
		made += fmt.Sprintf(", for %d days that were missed too", r.Missed)
	}
	p.tell(p.bullet, "%s of the day that ended at %s: %s", p.s.Bold("report"), p.at(r.Day), made)
}

// evening has the market close at six again.
func (p *play) evening(ctx context.Context, m market.Market) error {
	if err := p.closes(ctx, m, market.Closes); err != nil {
		return err
	}
	scheduled, err := troupe.SchedulerOf(ctx, m).Schedules()
	if err != nil {
		return fmt.Errorf("asking when the market closes: %w", err)
	}
	for _, one := range scheduled {
		if one.Name == market.Closing {
			due := one.Due
			if berlin, err := time.LoadLocation(one.Zone); err == nil {
				due = due.In(berlin)
			}
			p.s.Line("")
			p.s.Line("The market closes at six in Berlin again, in summer and in winter: next on %s, in %v.",
				due.Format("Monday 15:04 MST"), strings.TrimSuffix(time.Until(due).Round(time.Minute).String(), "0s"))
			p.s.Line("What is scheduled is stored with its actor. What is due while the program or NATS is down runs when they are up.")
		}
	}
	return nil
}

// tell prints a line with its time.
func (p *play) tell(line func(format string, args ...any), format string, args ...any) {
	p.countdown.clear()
	line(p.s.Dim(fmt.Sprintf("%4.1f s", time.Since(p.began).Seconds()))+"  "+format, args...)
}

func (p *play) bullet(format string, args ...any) { p.s.Line("• "+format, args...) }

// at is a time of the scene.
func (p *play) at(t time.Time) string { return fmt.Sprintf("%.1f s", t.Sub(p.began).Seconds()) }

func euros(cents int) string { return fmt.Sprintf("€%d.%02d", cents/100, cents%100) }
