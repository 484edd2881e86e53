package store

// For tests in package store_test.
var (
	ParseAck     = parseAck
	AppendChange = appendChange
	ParseGroup   = parseGroup
	AppendBlock  = appendBlock
	BlockAt      = blockAt
)
