package store

// What is tested from outside though nobody outside uses it.
var (
	ParseAck     = parseAck
	DecodeRecord = decodeRecord
	AppendChange = appendChange
	ParseGroup   = parseGroup
	AppendRecord = (*Record).append
)
