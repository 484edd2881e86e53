package main

import (
	"github.com/troupe-go/troupe"
)

// scheduleArgs name a schedule of an actor.
type scheduleArgs struct {
	actorArgs
	Name string `arg:"" name:"schedule" help:"Name of the schedule."`
}

func (a scheduleArgs) id() (troupe.ID, error) {
	id, err := a.actorArgs.id()
	if err == nil {
		err = troupe.CheckName("schedule", a.Name)
	}
	return id, err
}

// scheduleRef names a schedule in JSON.
type scheduleRef struct {
	Type string `json:"type"`
	Key  string `json:"key"`
	Name string `json:"name"`
}

func refTo(id troupe.ID, name string) scheduleRef { return scheduleRef{id.Type(), keyText(id), name} }
