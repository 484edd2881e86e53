package hosttest_test

import (
	"errors"
	"fmt"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/actorhost"
)

var ErrTooHeavy = troupe.NewError("too_heavy", "the lift is full")

type liftState struct{ Kilos int }

func (s *liftState) enter(_ *actorhost.Context, kilos int) (int, error) {
	if s.Kilos+kilos > 300 {
		return 0, ErrTooHeavy
	}
	s.Kilos += kilos
	return s.Kilos, nil
}

// An action that does not use its Context is tested as the method that it is: no bus, no host.
func Example_method() {
	lift := liftState{Kilos: 200}
	fmt.Println(lift.enter(nil, 80))

	_, err := lift.enter(nil, 80)
	fmt.Println(errors.Is(err, ErrTooHeavy))
	// Output:
	// 280 <nil>
	// true
}
