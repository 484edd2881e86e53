package main

// queueCommand is the verb queue.
type queueCommand struct {
	Ls    queueLsCommand    `cmd:"" help:"List the queues that have messages or dead letters."`
	Push  queuePushCommand  `cmd:"" help:"Push a message to a queue of an actor."`
	Dead  queueDeadCommand  `cmd:"" help:"List the dead letters of a queue."`
	Retry queueRetryCommand `cmd:"" help:"Have dead letters handled again."`
	Drop  queueDropCommand  `cmd:"" help:"Delete dead letters."`
	Skip  queueSkipCommand  `cmd:"" help:"Have a queue in order go on without its next message."`
}
