package record

import (
	"fmt"
	"math"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
)

// maxNumber is the greatest epoch, or number in a sequence, that is taken for one: others follow it.
const maxNumber = math.MaxInt64

// positionSize is how many bytes a position takes, at most: its map, and two names and numbers.
const positionSize = 1 + (6 + 9) + (9 + 9)

// textSize is how many bytes a text takes, at most.
func textSize(text string) int64 { return int64(5 + len(text)) }

func appendPosition(b []byte, p troupe.Position) []byte {
	b = codec.AppendMap(b, 2)
	b = codec.AppendUint(codec.AppendString(b, "epoch"), p.Epoch)
	return codec.AppendUint(codec.AppendString(b, "sequence"), p.Sequence)
}

// checkPosition finds what is the position of no event.
func checkPosition(p troupe.Position) error {
	if p.Epoch == 0 || p.Epoch > maxNumber || p.Sequence == 0 || p.Sequence > maxNumber {
		return fmt.Errorf("%d.%d is the position of no event", p.Epoch, p.Sequence)
	}
	return nil
}
