package actorhost

import "sync"

// buffers are for encodings that are only compared, mostly to find that nothing has changed, or that are sent at once.
var buffers = sync.Pool{New: func() any { buffer := make([]byte, 0, 1<<10); return &buffer }}

// maxKeptBuffer is the largest capacity of a buffer that goes back to the pool.
const maxKeptBuffer = 256 << 10

func putBuffer(buffer *[]byte) {
	if cap(*buffer) <= maxKeptBuffer {
		buffers.Put(buffer)
	}
}
