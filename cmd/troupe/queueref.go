package main

import (
	"github.com/troupe-go/troupe"
)

// queueArgs name a queue of an actor.
type queueArgs struct {
	actorArgs
	Queue string `arg:"" help:"Name of the queue."`
}

func (a queueArgs) id() (troupe.ID, error) {
	id, err := a.actorArgs.id()
	if err == nil {
		err = troupe.CheckName("queue", a.Queue)
	}
	return id, err
}

// queueRef names a queue in JSON.
type queueRef struct {
	Type  string `json:"type"`
	Key   string `json:"key"`
	Queue string `json:"queue"`
}

func refToQueue(id troupe.ID, queue string) queueRef { return queueRef{id.Type(), keyText(id), queue} }

// messageRef names a message of a queue in JSON.
type messageRef struct {
	queueRef
	ID string `json:"id"`
}
