package codec

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// checkReplaced refuses JSON in which encoding/json has written an escape for bytes that are no UTF-8. It writes the
// character itself where a string has that.
func checkReplaced(encoded []byte) error {
	for rest := encoded; ; {
		i := bytes.IndexByte(rest, '\\')
		if i < 0 || i+1 >= len(rest) {
			return nil
		}
		if rest = rest[i:]; escaped(rest) == utf8.RuneError {
			return faultf("a string is not UTF-8")
		}
		rest = rest[2:]
	}
}

// checkJSONText refuses JSON that encoding/json would change: bytes that are no UTF-8, and halves of surrogate pairs.
func checkJSONText(data []byte) error {
	if !utf8.Valid(data) {
		return faultf("invalid JSON: it is not UTF-8")
	}
	for rest := data; ; {
		i := bytes.IndexByte(rest, '\\')
		if i < 0 || i+1 >= len(rest) {
			return nil
		}
		rest = rest[i:]
		high := escaped(rest)
		switch {
		case high < 0:
			rest = rest[2:]
		case high < 0xD800 || high > 0xDFFF:
			rest = rest[6:]
		default:
			if low := escaped(rest[6:]); high > 0xDBFF || low < 0xDC00 || low > 0xDFFF {
				return faultf("invalid JSON: %s is half of a character", rest[:6])
			}
			rest = rest[12:]
		}
	}
}

// escaped returns the code of an escape like \u00e9 at the start of data, or -1.
func escaped(data []byte) int {
	if len(data) < 6 || data[0] != '\\' || data[1] != 'u' {
		return -1
	}
	code, err := strconv.ParseUint(string(data[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return int(code)
}

// checkUTF8 refuses a string that other languages cannot read.
func checkUTF8(text []byte) error {
	if utf8.Valid(text) {
		return nil
	}
	return faultf("the string %s is not UTF-8", quote(text))
}
