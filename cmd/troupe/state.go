package main

// stateCommand is the verb state.
type stateCommand struct {
	Get     stateGetCommand     `cmd:"" help:"Print the stored state of an actor."`
	Set     stateSetCommand     `cmd:"" help:"Replace the stored state of an actor."`
	History stateHistoryCommand `cmd:"" help:"List the revisions of an actor that are kept."`
	Keep    stateKeepCommand    `cmd:"" help:"Set how many revisions of each actor are kept."`
}
