package actorhost_test

import (
	"context"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Player struct{ troupe.Ref }

func (Player) ActorType() string { return "player" }

var (
	Win    = troupe.NewAction[Player, int, int]("win")
	Health = troupe.NewAction[Player, troupe.None, string]("health")
)

// The program of last year.
type oldPlayer struct {
	Points int `json:"points"`
}

func (s *oldPlayer) win(_ *actorhost.Context, points int) (int, error) {
	s.Points += points
	return s.Points, nil
}

var oldPlayers = actorhost.Define(func() oldPlayer { return oldPlayer{} },
	actorhost.On(Win, (*oldPlayer).win))

// The program of today.
type player struct {
	Points int `json:"points"`
	Lives  int `json:"lives"` // new: older players get what newPlayers makes
}

func (s *player) win(_ *actorhost.Context, points int) (int, error) {
	s.Points += points
	return s.Points, nil
}

func (s *player) health(*actorhost.Context) (string, error) {
	return fmt.Sprintf("%d points, %d lives", s.Points, s.Lives), nil
}

var newPlayers = actorhost.Define(func() player { return player{Lives: 3} },
	actorhost.On(Win, (*player).win),
	actorhost.On(Health, actorhost.NoIn((*player).health)))

// The state of actors that live on can get new fields.
func ExampleDefine() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)
	anna := troupe.GetOrCreate[Player](c, "anna")

	lastYear, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, oldPlayers)
	if err != nil {
		panic(err)
	}
	fmt.Println(Win.Call(ctx, anna, 7))
	if err := lastYear.Stop(ctx); err != nil {
		panic(err)
	}

	today, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{}, newPlayers)
	if err != nil {
		panic(err)
	}
	defer func() { _ = today.Stop(ctx) }()
	fmt.Println(Health.Call(ctx, anna, nil))
	// Output:
	// 7 <nil>
	// 7 points, 3 lives <nil>
}
