package main

// usageError is a mistake in the command line.
type usageError struct{ error }

// connectionError is a connection that could not be made, or was lost permanently.
type connectionError struct{ error }

func (e connectionError) Unwrap() error { return e.error }
