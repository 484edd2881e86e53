package actorhost

import (
	"errors"
	"fmt"
	"sync"

	"github.com/troupe-go/troupe"
)

// items are the steps of an Each.
type items struct {
	key    string
	given  [][]byte
	failed []error
	todo   []bool
	left   int // of those
}

func (s *items) keyOf(i int) string { return fmt.Sprintf("%s[%d]", s.key, i) }

// err is that of the first item that has failed.
func (s *items) err() error {
	for _, err := range s.failed {
		if err != nil {
			return err
		}
	}
	return nil
}

// each is step for many items.
func (f *flowRun) each(name string, n, atOnce int, o stepOptions, item func(i int) stepFunc) ([][]byte, error) {
	key, err := f.next(name)
	if err != nil {
		return nil, err
	}
	s := &items{key: key, given: make([][]byte, n), failed: make([]error, n), todo: make([]bool, n), left: n}
	if canceled := f.recordedItems(s); canceled != nil {
		return nil, canceled
	}
	if s.left > 0 {
		if one, err := f.recorded(key); one != nil || err != nil { // there is none, or the program does not fit
			return nil, err
		}
		for i, todo := range s.todo {
			if todo {
				switch canceled, err := f.canceled(s.keyOf(i)); {
				case err != nil:
					return nil, err
				case canceled != nil:
					return nil, canceled.Error.Err()
				}
				break
			}
		}
		if f.tryItems(s, atOnce, o, item) || f.hasStopped() {
			return nil, f.stop()
		}
	}
	return s.given, s.err()
}

// recordedItems passes the items that are done. If the workflow was canceled before all were, the others never run: it returns the
// error of that.
func (f *flowRun) recordedItems(s *items) (canceled error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range s.todo {
		s.todo[i] = true
	}
	for ; f.at < len(f.steps) && s.left > 0; f.at++ {
		one, i := &f.steps[f.at], 0
		if !within(one.Key, s.key) || len(one.Key) == len(s.key) {
			break
		}
		if _, err := fmt.Sscanf(one.Key[len(s.key):], "[%d]", &i); err != nil || i < 0 || i >= len(s.todo) || !s.todo[i] {
			break
		}
		s.todo[i] = false
		s.left--
		s.given[i], s.failed[i] = given(one)
		if errors.Is(s.failed[i], troupe.ErrCanceled) {
			canceled = s.failed[i]
		}
	}
	return canceled
}

// tryItems tries the items that are not done, so many at a time. It reports whether some wait.
func (f *flowRun) tryItems(s *items, atOnce int, o stepOptions, item func(i int) stepFunc) (waiting bool) {
	var mu sync.Mutex
	var running sync.WaitGroup
	fresh := f.isFresh()
	places := make(chan struct{}, f.atOnce(atOnce, fresh))
	for i, todo := range s.todo {
		if !todo || f.last.Load() {
			continue
		}
		places <- struct{}{} // whoever has one is a step that ends, or whose context does
		running.Go(func() {
			returned := false
			defer func() {
				if <-places; !returned {
					_ = f.stick("%s has not returned: %v", s.keyOf(i), errGoexit)
				}
			}()
			var data []byte
			var waits bool
			var err error
			if step := f.resolved(s.keyOf(i)); step != nil {
				data, err = given(step)
			} else {
				data, waits, err = f.try(s.keyOf(i), "", fresh, o, item(i))
			}
			mu.Lock()
			defer mu.Unlock()
			s.given[i], s.failed[i], waiting, returned = data, err, waiting || waits, true
		})
	}
	running.Wait()
	return waiting
}
