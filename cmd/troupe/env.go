package main

import (
	"time"

	"github.com/troupe-go/troupe/bus"
	"github.com/troupe-go/troupe/internal/wire"
)

// env is what a command runs with.
type env struct {
	terminal
	json      bool
	namespace wire.Namespace
	config    bus.Config
	timeout   time.Duration
}
