package actorhost

import (
	"cmp"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strconv"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/codec"
	"github.com/troupe-go/troupe/internal/errs"
	"github.com/troupe-go/troupe/internal/record"
	"github.com/troupe-go/troupe/internal/store"
)

// Map is a collection of items by key that an actor keeps apart from the rest of its state, for what is too large or too many to be
// read with each waking and written with each change. It is an exported field of the state; the zero Map is ready for use:
//
//	type auditState struct {
//		Count   int
//		Entries actorhost.Map[int, Entry]
//	}
//
// An item costs what it has, however many others there are. What a turn sets and deletes is stored with the rest of its state, all of
// it or nothing, and undone if the turn fails. An item is read from the server when it is asked for, and the last few are
// remembered. The name of the field, or that in its json tag, is part of where its items are stored: another name is another Map.
//
// A turn may set 256 KB of items, keys included: beyond, Set is troupe.CodeTooLarge. While the items that earlier turns have set
// cannot be stored apart, it is troupe.CodeOverloaded.
//
// A read-only action may read a Map. Each value that is got is another copy; changing it changes nothing until it is set.
type Map[K MapKey, V any] struct {
	_ codec.Apart
	_ byte // so that each has an address of its own
}

// MapKey is what may be a key of a [Map]. A string may have any bytes, up to 1,024, and less if the key of the actor is long.
type MapKey interface {
	~string | ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64
}

// MapItem is an item of a [Map].
type MapItem[K MapKey, V any] struct {
	Key   K
	Value V
}

// Get returns the item with a key. It is not ok if there is none. The error is troupe.CodeUnavailable if the server does not answer,
// and troupe.CodeStateCorrupt if what is stored is no V.
func (m *Map[K, V]) Get(c *Context, key K) (value V, ok bool, err error) {
	at, err := m.place(c, key)
	if err != nil {
		return value, false, err
	}
	found, err := c.item(at)
	if err != nil || found.Gone {
		return value, false, err
	}
	value, err = decodeItem[V](c, at, found.Value)
	return value, err == nil, err
}

// Set sets the item with a key.
func (m *Map[K, V]) Set(c *Context, key K, value V) error {
	at, err := m.place(c, key)
	if err != nil {
		return err
	}
	if err := codec.Settle(&value); err != nil {
		return fmt.Errorf("%s of %s: %w", at.Map, c.a.id, err)
	}
	encoded, err := codec.MsgPack.Append([]byte{}, &value)
	if err != nil {
		return fmt.Errorf("%s of %s: %w", at.Map, c.a.id, err)
	}
	if len(encoded) == 0 { // a struct{}, of which only the key counts
		encoded = codec.AppendMap(encoded, 0)
	}
	return c.setItem(record.SetItem{ItemKey: at, Value: encoded})
}

// Delete deletes the item with a key, if there is one.
func (m *Map[K, V]) Delete(c *Context, key K) error {
	at, err := m.place(c, key)
	if err != nil {
		return err
	}
	return c.setItem(record.SetItem{ItemKey: at, Gone: true})
}

// All yields the items in the order of their keys: texts by their bytes, numbers by their values. See [Map.From].
func (m *Map[K, V]) All(c *Context) iter.Seq2[MapItem[K, V], error] { return m.from(c, nil) }

// From yields the items from a key on, in the order of their keys. It asks for all keys first, and for the items in pages, so to
// break early costs little. What the turn sets and deletes meanwhile is seen, but not keys that are new. An error ends it, as
// that of [Map.Get]; of an item that is no V there is one for that item alone.
func (m *Map[K, V]) From(c *Context, key K) iter.Seq2[MapItem[K, V], error] { return m.from(c, &key) }

func (m *Map[K, V]) from(c *Context, first *K) iter.Seq2[MapItem[K, V], error] {
	return func(yield func(MapItem[K, V], error) bool) {
		name, keys, err := m.keys(c, first)
		if err != nil {
			yield(MapItem[K, V]{}, err)
			return
		}
		for page := range slices.Chunk(keys, itemPage) {
			at := make([]record.ItemKey, len(page))
			for i, key := range page {
				at[i] = record.ItemKey{Map: name, Key: keyToken(key)}
			}
			found, err := c.itemsOf(at)
			if err != nil {
				yield(MapItem[K, V]{}, err)
				return
			}
			for i, key := range page {
				one := MapItem[K, V]{Key: key}
				item, err := c.asSet(found[i])
				if err == nil && item.Gone {
					continue
				}
				if err == nil {
					one.Value, err = decodeItem[V](c, at[i], item.Value)
				}
				if !yield(one, err) {
					return
				}
			}
		}
	}
}

// keys returns the name of the map and its keys from one on, in order.
func (m *Map[K, V]) keys(c *Context, first *K) (name string, keys []K, err error) {
	if name, err = c.nameOf(m); err != nil {
		return "", nil, err
	}
	tokens, err := c.itemKeys(name)
	if err != nil {
		return "", nil, err
	}
	for _, token := range tokens {
		key, err := tokenKey[K](token)
		if err != nil {
			return "", nil, errs.New(troupe.CodeStateCorrupt, "%s of %s: %v", name, c.a.id, err)
		}
		if first == nil || key >= *first {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, cmp.Compare[K])
	return name, keys, nil
}

// place is where an item is.
func (m *Map[K, V]) place(c *Context, key K) (record.ItemKey, error) {
	name, err := c.nameOf(m)
	if err != nil {
		return record.ItemKey{}, err
	}
	token, err := escaped(key)
	if err != nil {
		return record.ItemKey{}, fmt.Errorf("%s of %s: %w", name, c.a.id, err)
	}
	at := record.ItemKey{Map: name, Key: token}
	return at, store.CheckItem(c.a.id, at) // also of what is only read: a line that is too long costs the connection
}

// checkTypes implements mapField.
func (*Map[K, V]) checkTypes() error { return codec.Check(reflect.TypeFor[V]()) }

func decodeItem[V any](c *Context, at record.ItemKey, data []byte) (value V, err error) {
	if err := codec.MsgPack.Unmarshal(data, &value); err != nil {
		return value, errs.New(troupe.CodeStateCorrupt, "the item %s of %s.%s cannot be decoded: %v", at.Key, c.a.id, at.Map, err)
	}
	return value, nil
}

// keyPrefix makes an ID of the key of an item, which is escaped like a part of an actor's key.
const keyPrefix = "k."

func escaped[K MapKey](key K) (string, error) {
	var text string
	switch v := reflect.ValueOf(&key).Elem(); {
	case v.Kind() == reflect.String:
		text = v.String()
	case v.CanInt():
		text = strconv.FormatInt(v.Int(), 10)
	default:
		text = strconv.FormatUint(v.Uint(), 10)
	}
	id, err := troupe.NewID(keyPrefix[:1], text)
	if err != nil {
		return "", err
	}
	return id.Tokens()[len(keyPrefix):], nil
}

// keyToken is escaped for a key that was one.
func keyToken[K MapKey](key K) string {
	token, _ := escaped(key)
	return token
}

func tokenKey[K MapKey](token string) (key K, err error) {
	id, err := troupe.ParseID(keyPrefix + token)
	if err != nil {
		return key, fmt.Errorf("the key %s of an item: %w", token, err)
	}
	text, v := id.Key()[0], reflect.ValueOf(&key).Elem()
	switch {
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.CanInt():
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return key, fmt.Errorf("the key %s of an item is no %s", token, v.Type())
		}
		v.SetInt(n)
	default:
		n, err := strconv.ParseUint(text, 10, v.Type().Bits())
		if err != nil {
			return key, fmt.Errorf("the key %s of an item is no %s", token, v.Type())
		}
		v.SetUint(n)
	}
	return key, nil
}
