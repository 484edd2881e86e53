package codec

import (
	"hash/maphash"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Hidden returns what a value keeps in fields that are not encoded because they are unexported: a fingerprint by path
// for each one that is not zero. A field that is tagged json:"-" is left out, as are the fields beside a lock, which
// other goroutines may write. What a pointer to another package's type leads to does not count, only where it leads.
func Hidden(value any) map[string]uint64 {
	h := hidden{found: make(map[string]uint64), seen: make(map[shared]bool)}
	v := reflect.Indirect(reflect.ValueOf(value))
	if v.IsValid() {
		h.home = v.Type().PkgPath()
		h.encoded("", v)
	}
	return h.found
}

var hiddenSeed = maphash.MakeSeed()

type hidden struct {
	home  string // the package whose types are looked into
	found map[string]uint64
	seen  map[shared]bool
}

// hiding has for each type whether values of it may have hidden fields: of many types none has.
var hiding sync.Map

func mayHide(t reflect.Type) bool {
	known, ok := hiding.Load(t)
	if !ok {
		known, _ = hiding.LoadOrStore(t, findHiding(t, nil))
	}
	return known.(bool)
}

// findHiding is mayHide for a type within others. One that contains itself is no reason to look into it again.
func findHiding(t reflect.Type, within []reflect.Type) bool {
	if slices.Contains(within, t) {
		return false
	}
	within = append(within, t)
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return findHiding(t.Elem(), within)
	case reflect.Struct:
		return t != timeType && isPlain(t) && slices.ContainsFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool {
			return !f.IsExported() && !f.Anonymous || findHiding(f.Type, within)
		})
	}
	return false
}

// encoded looks for hidden fields in what is encoded.
func (h *hidden) encoded(path string, v reflect.Value) {
	if !mayHide(v.Type()) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || h.again(v) {
			return
		}
		h.encoded(path, v.Elem())
	case reflect.Interface:
		if !v.IsNil() {
			h.encoded(path, v.Elem())
		}
	case reflect.Slice, reflect.Array:
		if !isNester(v.Type().Elem().Kind()) {
			return
		}
		for i := range v.Len() {
			h.encoded(path+"["+strconv.Itoa(i)+"]", v.Index(i))
		}
	case reflect.Map:
		if !isNester(v.Type().Elem().Kind()) {
			return
		}
		for entries := v.MapRange(); entries.Next(); {
			h.encoded(path+keyStep(entries.Key()), entries.Value())
		}
	case reflect.Struct:
		h.structFields(path, v)
	}
}

func (h *hidden) structFields(path string, v reflect.Value) {
	t := v.Type()
	if t == timeType || !isPlain(t) || hasLock(t) {
		return
	}
	for i := range t.NumField() {
		f, at := t.Field(i), path+"."+t.Field(i).Name
		if name, _, _ := parseTag(f); name == "-" || f.Name == "_" {
			continue
		}
		if f.IsExported() || f.Anonymous {
			h.encoded(at, v.Field(i))
			continue
		}
		if !v.Field(i).IsZero() {
			var sum maphash.Hash
			sum.SetSeed(hiddenSeed)
			h.sum(&sum, v.Field(i))
			h.found[strings.TrimPrefix(at, ".")] = sum.Sum64()
		}
	}
}

func (h *hidden) again(v reflect.Value) bool {
	at := shared{v.Type(), v.Pointer()}
	known := h.seen[at]
	h.seen[at] = true
	return known
}

// sum adds a value to a fingerprint.
func (h *hidden) sum(to *maphash.Hash, v reflect.Value) {
	switch v.Kind() {
	case reflect.Func, reflect.Chan, reflect.UnsafePointer, reflect.Pointer:
		maphash.WriteComparable(to, v.IsNil())
		if v.Kind() != reflect.Func {
			maphash.WriteComparable(to, v.Pointer())
		}
		if v.Kind() == reflect.Pointer && !v.IsNil() && v.Type().Elem().PkgPath() == h.home && !h.again(v) {
			h.sum(to, v.Elem())
			delete(h.seen, shared{v.Type(), v.Pointer()}) // or the order of a map would count
		}
	case reflect.Interface:
		if !v.IsNil() {
			maphash.WriteComparable(to, v.Elem().Type())
			h.sum(to, v.Elem())
		}
	case reflect.Slice, reflect.Array:
		maphash.WriteComparable(to, v.Len())
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			_, _ = to.Write(v.Bytes())
			return
		}
		for i := range v.Len() {
			h.sum(to, v.Index(i))
		}
	case reflect.Map: // in no order
		total := uint64(v.Len())
		for entries := v.MapRange(); entries.Next(); {
			var one maphash.Hash
			one.SetSeed(hiddenSeed)
			h.sum(&one, entries.Key())
			h.sum(&one, entries.Value())
			total += one.Sum64()
		}
		maphash.WriteComparable(to, total)
	case reflect.Struct:
		if hasLock(v.Type()) {
			return
		}
		for _, field := range v.Fields() {
			h.sum(to, field)
		}
	case reflect.String:
		maphash.WriteComparable(to, v.String())
	case reflect.Bool:
		maphash.WriteComparable(to, v.Bool())
	case reflect.Float32, reflect.Float64:
		maphash.WriteComparable(to, v.Float())
	case reflect.Complex64, reflect.Complex128:
		maphash.WriteComparable(to, v.Complex())
	default:
		if v.CanInt() {
			maphash.WriteComparable(to, v.Int())
		} else {
			maphash.WriteComparable(to, v.Uint())
		}
	}
}

// hasLock reports whether a struct is of package sync or sync/atomic, or has a field that is.
func hasLock(t reflect.Type) bool {
	if t.PkgPath() == "sync" || t.PkgPath() == "sync/atomic" {
		return true
	}
	for field := range t.Fields() {
		if f := field.Type; f.Kind() == reflect.Struct && hasLock(f) {
			return true
		}
	}
	return false
}
