package codec

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// errEmpty is the error for an empty body where a value is expected.
var errEmpty = errors.New("empty body, expected a value")

// fault is an error at a place within a value.
type fault struct {
	path string // like ".items[2].quantity"
	text string
}

func (f *fault) Error() string {
	if f.path == "" {
		return f.text
	}
	return strings.TrimPrefix(f.path, ".") + ": " + f.text
}

func faultf(format string, args ...any) error {
	return &fault{text: fmt.Sprintf(format, args...)}
}

// within prepends a step to the path of an error on its way out of a container. So paths cost nothing until there is an
// error.
func within(step string, err error) error {
	f, ok := err.(*fault) //nolint:errorlint // a wrapped fault has no path to extend
	if !ok {
		f = &fault{text: err.Error()}
	}
	f.path = step + f.path
	return f
}

func withinIndex(i int, err error) error {
	return within("["+strconv.Itoa(i)+"]", err)
}

// recovered turns a panic into an error. Encoding and decoding run methods of the values' types, which may panic; that
// must not end the process that received the bytes.
func recovered(doing string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s panicked: %v", doing, p)
	}
}

// quote quotes text from outside for an error message, and cuts it.
func quote(text []byte) string {
	const most = 40
	if len(text) > most {
		return strconv.Quote(string(text[:most])) + "..."
	}
	return strconv.Quote(string(text))
}
