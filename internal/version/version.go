// Package version says which version a program is.
package version

import (
	"runtime/debug"
	"strings"
	"time"
)

// Program is the version of the running program: that of its main module. It is empty if nothing is known.
func Program() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return of(info)
}

// of is the version that was stamped, or else one that is made of the commit in the manner of Go, so that it names the
// revision, its time and whether files were changed: v0.0.0-20261129061852-6cebd8a43e0e+dirty.
func of(info *debug.BuildInfo) string {
	if strings.HasPrefix(info.Main.Version, "v") {
		return info.Main.Version
	}
	settings := make(map[string]string)
	for _, setting := range info.Settings {
		settings[setting.Key] = setting.Value
	}
	const digits = 12
	revision := settings["vcs.revision"]
	at, err := time.Parse(time.RFC3339Nano, settings["vcs.time"])
	if len(revision) < digits || err != nil {
		return ""
	}
	version := "v0.0.0-" + at.UTC().Format("20060102150405") + "-" + revision[:digits]
	if settings["vcs.modified"] == "true" {
		version += "+dirty"
	}
	return version
}
