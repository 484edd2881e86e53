package main

// usageError is a mistake in the command line.
type usageError struct{ error }

// conflictError is an actor that is not as it was expected to be. Nothing is changed.
type conflictError struct{ error }

// connectionError is a connection that could not be made, or was lost permanently.
type connectionError struct{ error }

func (e connectionError) Unwrap() error { return e.error }
