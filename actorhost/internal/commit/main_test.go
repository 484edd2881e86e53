package commit_test

import (
	"testing"

	"github.com/troupe-go/troupe/internal/bustest"
)

func TestMain(m *testing.M) { bustest.Main(m) }
