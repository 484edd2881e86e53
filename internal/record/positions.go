package record

import (
	"fmt"
	"math"

	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/wire"
)

// maxNumber is the largest valid epoch or sequence: others must be able to follow.
const maxNumber = math.MaxInt64

// positionSize is the largest size of a position in bytes: its map, and two names and numbers.
const positionSize = 1 + (6 + 9) + (9 + 9)

// textSize is the largest size of a string, in bytes.
func textSize(text string) int64 { return int64(5 + len(text)) }

func appendPosition(b []byte, p wire.Position) []byte {
	b = codec.AppendMap(b, 2)
	b = codec.AppendUint(codec.AppendString(b, "epoch"), p.Epoch)
	return codec.AppendUint(codec.AppendString(b, "sequence"), p.Sequence)
}

// checkPosition returns an error if no event can have the position.
func checkPosition(p wire.Position) error {
	if p.Epoch == 0 || p.Epoch > maxNumber || p.Sequence == 0 || p.Sequence > maxNumber {
		return fmt.Errorf("%d.%d is the position of no event", p.Epoch, p.Sequence)
	}
	return nil
}
