package codec

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// withIntegers returns JSON in which numbers like 5.0 and 1e3 are written as integers where the type wants integers,
// which encoding/json refuses. It is not ok if there are none.
func withIntegers(data []byte, t reflect.Type) (out []byte, ok bool) {
	s := sizer{decoder: json.NewDecoder(bytes.NewReader(data)), left: math.MaxInt}
	s.decoder.UseNumber()
	if s.value(t) != nil {
		return nil, false
	}
	from := 0
	for _, f := range s.fractions {
		integer, ok := asInteger(f.text)
		if !ok {
			continue
		}
		out = append(append(out, data[from:f.end-len(f.text)]...), integer...)
		from = f.end
	}
	return append(out, data[from:]...), from > 0
}

// asInteger writes the integer that a JSON number is, exactly. It is not ok if the number is none, or has more digits
// than an integer of 64 bits.
func asInteger(number string) (string, bool) {
	const most = 20
	mantissa, exponent, _ := strings.Cut(strings.ToLower(number), "e")
	sign := ""
	if strings.HasPrefix(mantissa, "-") {
		sign, mantissa = "-", mantissa[1:]
	}
	whole, rest, _ := strings.Cut(mantissa, ".")
	shift := 0
	if exponent != "" {
		var err error
		if shift, err = strconv.Atoi(exponent); err != nil {
			return "", false
		}
	}
	digits := strings.TrimLeft(whole+rest, "0")
	if digits == "" {
		return "0", true
	}
	shift -= len(rest)
	for shift < 0 && strings.HasSuffix(digits, "0") {
		digits, shift = digits[:len(digits)-1], shift+1
	}
	if shift < 0 || shift > most || len(digits)+shift > most {
		return "", false
	}
	return sign + digits + strings.Repeat("0", shift), true
}
