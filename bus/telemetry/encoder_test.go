package telemetry_test

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// encoder writes attributes as people read them.
var encoder attribute.Encoder = plain{attribute.NewEncoderID()}

type plain struct{ id attribute.EncoderID }

func (p plain) ID() attribute.EncoderID { return p.id }

func (plain) Encode(all attribute.Iterator) string {
	var pairs []string
	for all.Next() {
		one := all.Attribute()
		pairs = append(pairs, string(one.Key)+"="+one.Value.String())
	}
	return strings.Join(pairs, ",")
}
