package telemetry_test

import (
	"testing"

	"github.com/troupe-go/troupe/actorhost/hosttest"
)

func TestMain(m *testing.M) { hosttest.Main(m) }
