package main

import "context"

// finding is something that the doctor has found.
type finding struct {
	Level  level    `json:"level"`
	Text   string   `json:"text"`
	Actors []string `json:"actors,omitempty"` // some of those that it is about
	Remedy string   `json:"remedy,omitempty"`

	repair func(context.Context) error // nil if nothing can be done, or nothing must
}

// level says how bad a finding is.
type level string

const (
	isWell  level = "ok"
	isNote  level = "note" // nothing needs to be done
	isWrong level = "wrong"
)
