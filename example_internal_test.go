package troupe_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/client"
)

type Vault struct{ troupe.Ref }

func (Vault) ActorType() string { return "vault" }

var OpenVault = troupe.NewAction[Vault, string, troupe.None]("open")

type vaultState struct{}

func (*vaultState) open(_ *actorhost.Context, pin string) error {
	if pin == "" {
		panic("no pin")
	}
	return fmt.Errorf("the pin %s is not 1234", pin) // not for the caller's eyes
}

var vaults = actorhost.Define(func() vaultState { return vaultState{} },
	actorhost.On(OpenVault, actorhost.NoOut((*vaultState).open)))

// Any other error, and a panic, arrives as ErrInternal without its text. The host logs it in full.
func ExampleError() {
	ctx := context.Background()
	b, err := bus.Open(ctx, bus.Config{Server: bus.ServerConfig{Memory: true}}) // a NATS server in this process
	if err != nil {
		panic(err)
	}
	defer b.Close()
	quiet := slog.New(slog.DiscardHandler)
	host, err := actorhost.Start(ctx, b.Conn(), actorhost.Config{Logger: quiet}, vaults)
	if err != nil {
		panic(err)
	}
	defer func() { _ = host.Stop(ctx) }()
	c, err := client.New(b.Conn(), client.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)

	for _, pin := range []string{"0000", ""} {
		_, err = OpenVault.Call(ctx, troupe.GetOrCreate[Vault](c, "bank"), pin)
		fmt.Println(errors.Is(err, troupe.ErrInternal))
	}
	err = c.Actor("vault", "bank").Call(ctx, "close", nil, nil)
	fmt.Println(errors.Is(err, troupe.ErrUnknownAction))
	err = c.Actor("valt", "bank").Call(ctx, "open", nil, nil)
	fmt.Println(errors.Is(err, troupe.ErrUnknownType))
	// Output:
	// true
	// true
	// true
	// true
}
