package main

// workflowCommand is the verb workflow.
type workflowCommand struct {
	Ls     workflowLsCommand     `cmd:"" help:"List workflows, and how far they are."`
	Show   workflowShowCommand   `cmd:"" help:"Show what the workflow of an actor has done, step by step."`
	Start  workflowStartCommand  `cmd:"" help:"Start a workflow of an actor."`
	Signal workflowSignalCommand `cmd:"" help:"Send a signal to the workflow of an actor."`
	Result workflowResultCommand `cmd:"" help:"Print what a workflow has given."`
	Cancel workflowCancelCommand `cmd:"" help:"Cancel a workflow, which undoes what it has done."`
	Retry  workflowRetryCommand  `cmd:"" help:"Try a workflow that is stuck again."`
}
