package store

// What is tested from outside though nobody outside uses it.
var (
	ParseAck     = parseAck
	AppendChange = appendChange
	ParseGroup   = parseGroup
)
