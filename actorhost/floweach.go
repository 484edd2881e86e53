package actorhost

import (
	"fmt"
	"slices"
	"sync"

	"github.com/troupe-go/troupe/internal/record"
)

// items are the steps of an Each.
type items struct {
	key    string
	given  [][]byte
	failed []error
	todo   []bool
	left   int // of those

	canceled error // the workflow was canceled before all were done
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
	f.recordedItems(s)
	if s.canceled == nil && s.left > 0 {
		switch one, err := f.recorded(key); {
		case err != nil:
			return nil, err
		case one != nil:
			return nil, f.stick("the items of %s were asked for, where a step of that name is remembered: the program does not fit the run",
				key)
		}
		waiting := f.tryItems(s, atOnce, o, item)
		if f.hasStopped() || waiting && s.canceled == nil {
			return nil, f.stop()
		}
	}
	if s.canceled != nil {
		return nil, f.abandon(s)
	}
	return s.given, s.err()
}

// abandon has those items never run that wait though the workflow is canceled, and returns the error of that.
func (f *flowRun) abandon(s *items) error {
	ofItem := func(one record.WorkflowWait) bool { return within(one.Key, s.key) }
	if slices.ContainsFunc(f.current().Waits, ofItem) {
		if err := f.edit(0, func(w *record.Workflow) { w.Waits = slices.DeleteFunc(slices.Clone(w.Waits), ofItem) }); err != nil {
			return err
		}
	}
	return s.canceled
}

// recordedItems passes the items that are done.
func (f *flowRun) recordedItems(s *items) {
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
		f.latest = max(f.latest, one.Ended)
		s.given[i], s.failed[i] = given(one)
		if one.Canceled {
			s.canceled = s.failed[i]
		}
	}
}

// tryItems tries the items that are not done, so many at a time, until the workflow is canceled. It reports whether some wait. An item
// is begun when all before it are done or wait, but for as many as run at a time: so those after these were not begun by an earlier pass.
func (f *flowRun) tryItems(s *items, atOnce int, o stepOptions, item func(i int) stepFunc) (waiting bool) {
	var mu sync.Mutex
	var running sync.WaitGroup
	fresh, begun := f.isFresh(), 0
	places := make(chan struct{}, f.atOnce(atOnce, fresh))
	for i, todo := range s.todo {
		if !todo {
			continue
		}
		places <- struct{}{} // whoever has one is a step that ends, or whose context does
		if f.hasStopped() || f.cancelsItem(s, i) {
			break
		}
		fresh := fresh
		if f.head.Waiting(s.keyOf(i)) == nil {
			begun++
			fresh = fresh || begun > atOnce
		}
		running.Go(func() {
			returned := false
			defer func() {
				if <-places; !returned {
					_ = f.stick("%s has not returned: %v", s.keyOf(i), errGoexit)
				}
			}()
			data, waits, err := f.try(s.keyOf(i), "", fresh, o, item(i))
			mu.Lock()
			defer mu.Unlock()
			s.given[i], s.failed[i], waiting, returned = data, err, waiting || waits, true
		})
	}
	running.Wait()
	return waiting
}

// cancelsItem reports whether the workflow is canceled: then this item and those after it never run.
func (f *flowRun) cancelsItem(s *items, i int) bool {
	step, err := f.canceled(s.keyOf(i))
	if step != nil {
		s.canceled = step.Error.Err()
	}
	return step != nil || err != nil
}
