package codec_test

import (
	"fmt"

	"github.com/troupe-go/troupe/codec"
)

type Order struct {
	ID    string `json:"id"`
	Lines []Line `json:"lines"`
}

type Line struct {
	Product  string `json:"product"`
	Quantity uint64 `json:"quantity"`
}

func Example() {
	body, err := codec.MsgPack.Append(nil, Order{ID: "1", Lines: []Line{{"tea", 2}}})
	if err != nil {
		panic(err)
	}
	var order Order
	if err := codec.MsgPack.Unmarshal(body, &order); err != nil {
		panic(err)
	}
	fmt.Println(order)
	// Output: {1 [{tea 2}]}
}

func Example_wrongValue() {
	body, _ := codec.MsgPack.Append(nil, map[string]any{"lines": []any{map[string]any{"quantity": -1}}})
	var order Order
	fmt.Println(codec.MsgPack.Unmarshal(body, &order))
	// Output: lines[0].quantity: -1 does not fit uint64
}

func ExampleForContentType() {
	c, err := codec.ForContentType("application/json; charset=utf-8")
	if err != nil {
		panic(err)
	}
	body, _ := c.Append(nil, Line{"tea", 2})
	fmt.Println(string(body))
	// Output: {"product":"tea","quantity":2}
}

func ExampleEqual() {
	a, _ := codec.MsgPack.Append(nil, map[int]string{1: "a", 2: "b", 3: "c"}) // in any order
	b, _ := codec.MsgPack.Append(nil, map[int]string{3: "c", 2: "b", 1: "a"})
	fmt.Println(codec.Equal(a, b))
	// Output: true
}

func ExampleToJSON() {
	body, _ := codec.MsgPack.Append(nil, Order{ID: "1", Lines: []Line{{"tea", 1 << 60}}})
	text, _ := codec.ToJSON(body)
	fmt.Println(string(text))
	// Output: {"id":"1","lines":[{"product":"tea","quantity":1152921504606846976}]}
}
