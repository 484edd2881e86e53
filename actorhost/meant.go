package actorhost

import (
	"errors"
	"reflect"

	"github.com/troupe-go/troupe"
)

var joined = reflect.TypeOf(errors.Join(errTurnOver))

// meant returns the error that the actor's code means by err. A nil *troupe.Error becomes an error that is not nil when
// a function returns it as one, by mistake: it means no error, alone or joined with nothing else.
func meant(err error) error {
	if known, ok := err.(*troupe.Error); ok && known == nil { //nolint:errorlint // a nil one in a text of its own is an error
		return nil
	}
	if err == nil || reflect.TypeOf(err) != joined {
		return err
	}
	for _, one := range err.(interface{ Unwrap() []error }).Unwrap() {
		if meant(one) != nil {
			return err
		}
	}
	return nil
}
