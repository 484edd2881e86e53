package codec

import "slices"

// Cut returns the first of the msgpack values that data has, one after the other, and the rest. Both share the memory of data.
func Cut(data []byte) (value, rest []byte, err error) {
	var r reader
	r.reset(data)
	if value, err = r.skip(); err != nil {
		return nil, nil, err
	}
	return slices.Clip(value), data[len(value):], nil
}
