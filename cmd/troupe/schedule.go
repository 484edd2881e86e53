package main

// scheduleCommand is the verb schedule.
type scheduleCommand struct {
	Ls     scheduleLsCommand     `cmd:"" help:"List what is scheduled, and what was given up."`
	Add    scheduleAddCommand    `cmd:"" help:"Schedule an action of an actor."`
	Cancel scheduleCancelCommand `cmd:"" help:"Cancel a schedule."`
	Run    scheduleRunCommand    `cmd:"" help:"Run a schedule now, and keep its times."`
	Retry  scheduleRetryCommand  `cmd:"" help:"Run what was given up once more."`
}
