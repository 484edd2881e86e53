// Command troupe calls actors, lists them and watches their events, from a terminal or a script.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], standard())
	stop()
	os.Exit(code)
}
