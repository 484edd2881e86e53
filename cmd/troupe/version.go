package main

import (
	"cmp"

	"github.com/troupe-go/troupe/internal/version"
)

// programVersion is the version of this program.
func programVersion() string { return cmp.Or(version.Program(), "(devel)") }
