package version

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOf(t *testing.T) {
	t.Parallel()
	commit := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{
			{Key: "vcs.revision", Value: "6cebd8a43e0e64af1060de9fd983e3c6760f986c"},
			{Key: "vcs.time", Value: "2026-11-29T07:18:52+01:00"}, {Key: "vcs.modified", Value: modified},
		}
	}
	for want, info := range map[string]debug.BuildInfo{
		"v1.2.3":                                   {Main: debug.Module{Version: "v1.2.3"}, Settings: commit("true")},
		"v0.0.0-20261129061852-6cebd8a43e0e":       {Main: debug.Module{Version: "(devel)"}, Settings: commit("false")},
		"v0.0.0-20261129061852-6cebd8a43e0e+dirty": {Settings: commit("true")},
		"": {Main: debug.Module{Version: "(devel)"}},
	} {
		require.Equal(t, want, of(&info))
	}
}
