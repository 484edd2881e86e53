package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/store"
)

// stateError is a state that is not well, and was printed already.
type stateError struct{ state state }

func (e stateError) Error() string { return "the state is " + e.state.String() }

// verdict is what was found.
type verdict struct {
	state    state
	problems []string
	rest     []string // what is well
	figures  []figure
}

func (v *verdict) add(s state, text string) {
	v.state = v.state.worse(s)
	if s == stateOK {
		v.rest = append(v.rest, text)
	} else {
		v.problems = append(v.problems, text)
	}
}

// failed says that something could not be looked at. That JetStream cannot answer is bad in itself.
func (v *verdict) failed(err error) {
	f, code := asFailure(err)
	s := stateUnknown
	if code == exitUnavailable && f.Code != string(troupe.CodeCanceled) || errors.Is(err, store.ErrNoJetStream) {
		s = stateCritical
	}
	v.add(s, f.Code+": "+f.Message)
}

// limit adds a figure, which is to be no more than the limits: from which on it is a warning, and critical.
func (v *verdict) limit(f figure, text string) {
	v.figures = append(v.figures, f)
	v.add(f.state(), text)
}

// print prints the verdict, and returns its state unless all is well.
func (v *verdict) print(e env) error {
	if err := v.printLine(e.terminal, e.json); err != nil {
		return err
	}
	if v.state == stateOK {
		return nil
	}
	return stateError{v.state}
}

func (v *verdict) printLine(t terminal, asJSON bool) error {
	if asJSON {
		return t.printLine(struct {
			State    string             `json:"state"`
			Problems []string           `json:"problems"`
			Figures  map[string]float64 `json:"figures"`
		}{strings.ToLower(v.state.String()), append([]string{}, v.problems...), valuesOf(v.figures)})
	}
	said := v.problems
	if len(said) == 0 {
		said = v.rest
	}
	// A | would begin the figures.
	var figures strings.Builder
	for _, f := range v.figures {
		figures.WriteString(" " + f.String())
	}
	line := "TROUPE " + v.state.String() + " - " + strings.ReplaceAll(stripControls(strings.Join(said, "; ")), "|", "/")
	if figures.Len() > 0 {
		line += " |" + figures.String()
	}
	_, err := fmt.Fprintln(t.out, line)
	return err
}

// reportCheck prints an error of a check as its line, and returns the exit code.
func reportCheck(t terminal, asJSON bool, err error) int {
	if found, ok := errors.AsType[stateError](err); ok {
		return int(found.state)
	}
	var v verdict
	v.failed(err)
	if err := v.printLine(t, asJSON); err != nil {
		return int(stateUnknown)
	}
	return int(v.state)
}
