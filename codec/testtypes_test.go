package codec_test

import (
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/vmihailenco/msgpack/v5"
)

type order struct {
	ID     string    `json:"id"`
	Items  []item    `json:"items"`
	Gift   *gift     `json:"gift,omitempty"`
	At     time.Time `json:"at"`
	Labels map[string]string
	Extra  any `json:"extra"`
	hidden string
}

type item struct {
	Name     string  `json:"name"`
	Quantity uint64  `json:"quantity"`
	Small    int8    `json:"small"`
	Delta    int64   `json:"delta"`
	Price    float64 `json:"price"`
	Raw      []byte  `json:"raw"`
	Hash     [2]byte `json:"hash"`
	Paid     bool    `json:"paid"`
}

type gift struct {
	Note string `json:"note"`
}

type node struct {
	Name string           `json:"name"`
	Next *node            `json:"next,omitempty"`
	Kids []node           `json:"kids,omitempty"`
	By   map[string]*node `json:"by,omitempty"`
}

// text decodes itself from text, binary from bytes, custom and raw from msgpack.
type text struct{ value string }

func (t text) MarshalText() ([]byte, error) { return []byte("<" + t.value + ">"), nil }
func (t *text) UnmarshalText(b []byte) error {
	if string(b) == "panic" {
		panic("at the disco")
	}
	t.value = strings.Trim(string(b), "<>")
	if t.value == "bad" {
		return errors.New("a bad text")
	}
	return nil
}

type binary struct{ value byte }

func (b binary) MarshalBinary() ([]byte, error) { return []byte{b.value}, nil }
func (b *binary) UnmarshalBinary(data []byte) error {
	if len(data) != 1 {
		return errors.New("one byte expected")
	}
	b.value = data[0]
	return nil
}

type custom struct{ x, y int }

func (c *custom) EncodeMsgpack(e *msgpack.Encoder) error { return e.EncodeMulti(c.x, c.y) }
func (c *custom) DecodeMsgpack(d *msgpack.Decoder) error {
	var both map[string]int
	if err := d.Decode(&both); err != nil {
		return err
	}
	c.x, c.y = both["x"], both["y"]
	return nil
}

// pack is msgpack in hex digits, with text between quotes: `81 'a' 01`.
func pack(digits string) []byte {
	var out []byte
	for i, part := range strings.Split(digits, "'") {
		if i%2 == 1 {
			out = append(out, 0xa0|byte(len(part)))
			out = append(out, part...)
			continue
		}
		b, err := hex.DecodeString(strings.ReplaceAll(part, " ", ""))
		if err != nil {
			panic(err)
		}
		out = append(out, b...)
	}
	return out
}

type manyFields struct {
	F0, F1, F2, F3, F4, F5, F6, F7, F8, F9, F10, F11, F12, F13, F14, F15, F16, F17, F18, F19, F20, F21,
	F22, F23, F24, F25, F26, F27, F28, F29, F30, F31, F32, F33, F34, F35, F36, F37, F38, F39, F40, F41,
	F42, F43, F44, F45, F46, F47, F48, F49, F50, F51, F52, F53, F54, F55, F56, F57, F58, F59, F60, F61,
	F62, F63, F64, F65, F66, F67, F68, F69, F70 int
}

// targetLike returns a new target of the same type.
func targetLike(into any) any { return reflect.New(reflect.TypeOf(into).Elem()).Interface() }
