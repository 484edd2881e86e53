package codec

import (
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// structTag is the tag that names fields.
const structTag = "json"

// parseTag returns the name and the options of a field's tag. The msgpack encoder prefers a msgpack tag.
func parseTag(f reflect.StructField) (name string, options []string, err error) {
	tag := f.Tag.Get("msgpack")
	if tag == "" {
		tag = f.Tag.Get("json")
	}
	parts := strings.Split(tag, ",")
	for _, option := range parts[1:] {
		option, _, _ = strings.Cut(strings.TrimSpace(option), ":")
		switch option {
		case "alias", "as_array", "asArray", "intern":
			return "", nil, fmt.Errorf("field %s: the option %s of its tag is not supported", f.Name, option)
		}
		options = append(options, option)
	}
	if parts[0] == "-" && len(parts) > 1 {
		return "", nil, fmt.Errorf("field %s: its tag names it -, which msgpack leaves out", f.Name)
	}
	if strings.ContainsAny(parts[0], `:'\ `) || !utf8.ValidString(parts[0]) {
		return "", nil, fmt.Errorf("field %s: the name in its tag has a character that is not supported", f.Name)
	}
	return parts[0], options, nil
}
