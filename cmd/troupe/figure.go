package main

import (
	"strconv"
	"strings"
)

// figure is a value with the limits from which on it is a warning and critical, as plugins of monitoring print it: "name=2;3:;1:".
type figure struct {
	name   string
	value  float64
	unit   string
	limits []float64 // at most two: the most that is well, or, with floor, the least
	floor  bool
}

func atMost(name string, value int, limits []int) figure {
	f := figure{name: name, value: float64(value)}
	for _, limit := range limits {
		f.limits = append(f.limits, float64(limit))
	}
	return f
}

func atLeast(name string, value int, limits []int) figure {
	f := atMost(name, value, limits)
	f.floor = true
	return f
}

func (f figure) state() state {
	s := stateOK
	for i, limit := range f.limits {
		if f.floor && f.value < limit || !f.floor && f.value > limit {
			s = stateWarning + state(i)
		}
	}
	return s
}

func (f figure) String() string {
	var text strings.Builder
	text.WriteString(f.name + "=" + number(f.value) + f.unit)
	for _, limit := range f.limits {
		text.WriteString(";" + number(limit))
		if f.floor {
			text.WriteString(":")
		}
	}
	return text.String()
}

func number(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) }

func valuesOf(figures []figure) map[string]float64 {
	values := make(map[string]float64, len(figures))
	for _, f := range figures {
		values[f.name] = f.value
	}
	return values
}
