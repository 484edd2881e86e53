package record

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
)

// ItemKey names an item of an actor.
type ItemKey struct {
	Map string
	Key string // one token of a subject, escaped like a part of an actor's key
}

// Text is the key as it was before it was escaped.
func (k ItemKey) Text() string {
	id, err := troupe.ParseID("k." + k.Key)
	if err != nil || len(id.Key()) != 1 {
		return k.Key
	}
	return id.Key()[0]
}

// Version is the place of a change of an item among all of its actor. It never comes back.
type Version struct {
	Epoch  uint64 // in which the turn ran
	Change uint64 // its number there, from 1
}

// Compare returns less than zero if v is before another, and more if it is after it.
func (v Version) Compare(other Version) int {
	return cmp.Or(cmp.Compare(v.Epoch, other.Epoch), cmp.Compare(v.Change, other.Change))
}

// Item is the value of an item at a version.
type Item struct {
	ItemKey
	Version
	Value []byte // msgpack
	Gone  bool   // there is no item any more
}

// Check finds what cannot be a part of a subject.
func (k ItemKey) Check() error {
	if err := checkName("map", k.Map); err != nil {
		return err
	}
	if id, err := troupe.ParseID("k." + k.Key); err != nil || len(id.Key()) != 1 {
		return errors.New("the key of an item is no token")
	}
	return nil
}

// size is the largest size of the item in the record, in bytes.
func (i *Item) size() int64 {
	return 1 + 5*2 + textSize(i.Map) + textSize(i.Key) + 2*9 + 1 + maxHead + int64(len(i.Value))
}

// AppendValue appends the item without its name, as its message has it.
func (i *Item) AppendValue(b []byte) []byte { return i.append(b, 3) }

// append appends a map of so many fields, but only those of the value.
func (i *Item) append(b []byte, fields int) []byte {
	b = codec.AppendMap(b, fields)
	b = codec.AppendUint(codec.AppendString(b, "e"), i.Epoch)
	b = codec.AppendUint(codec.AppendString(b, "n"), i.Change)
	if i.Gone {
		return codec.AppendTrue(codec.AppendString(b, "g"))
	}
	return codec.AppendBytes(codec.AppendString(b, "v"), i.Value)
}

// itemValue is what [Item.AppendValue] appends.
type itemValue struct {
	Epoch  uint64 `json:"e"`
	Change uint64 `json:"n"`
	Value  []byte `json:"v"`
	Gone   bool   `json:"g"`
}

func (v *itemValue) item(key ItemKey) (Item, error) {
	if v.Epoch == 0 || v.Epoch > maxNumber || v.Change == 0 || v.Change > maxNumber {
		return Item{}, fmt.Errorf("the item %.40q has the version %d of epoch %d", key.Key, v.Change, v.Epoch)
	}
	return Item{ItemKey: key, Version: Version{v.Epoch, v.Change}, Value: v.Value, Gone: v.Gone}, nil
}

// DecodeItem reads what [Item.AppendValue] has written. The error is [ErrCorrupt].
func DecodeItem(key ItemKey, data []byte) (item Item, err error) {
	err = guard(func() error {
		var v itemValue
		if err := codec.MsgPack.Unmarshal(data, &v); err != nil {
			return err
		}
		item, err = v.item(key)
		return err
	})
	return item, err
}
