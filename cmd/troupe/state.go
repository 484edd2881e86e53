package main

// stateCommand is the verb state.
type stateCommand struct {
	Get     stateGetCommand     `cmd:"" help:"Print the stored state of an actor."`
	Set     stateSetCommand     `cmd:"" help:"Replace the stored state of an actor."`
	History stateHistoryCommand `cmd:"" help:"List the kept revisions of an actor."`
	Keep    stateKeepCommand    `cmd:"" help:"Show or set how many revisions of each actor are kept."`
}
