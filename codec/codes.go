package codec

// The first bytes of msgpack tokens. The low bits of the fixed ones hold a number or a length. Codes of one kind with
// longer and longer lengths follow each other.
const (
	codePositiveMax = 0x7f
	codeFixMap      = 0x80
	codeFixArray    = 0x90
	codeFixString   = 0xa0
	codeNil         = 0xc0
	codeFalse       = 0xc2
	codeTrue        = 0xc3
	codeBin8        = 0xc4
	codeBin16       = 0xc5
	codeBin32       = 0xc6
	codeExt8        = 0xc7
	codeExt16       = 0xc8
	codeExt32       = 0xc9
	codeFloat32     = 0xca
	codeFloat64     = 0xcb
	codeUint8       = 0xcc
	codeUint16      = 0xcd
	codeUint32      = 0xce
	codeUint64      = 0xcf
	codeInt8        = 0xd0
	codeInt64       = 0xd3
	codeFixExt1     = 0xd4
	codeFixExt16    = 0xd8
	codeString8     = 0xd9
	codeString16    = 0xda
	codeString32    = 0xdb
	codeArray16     = 0xdc
	codeArray32     = 0xdd
	codeMap16       = 0xde
	codeMap32       = 0xdf
	codeNegativeMin = 0xe0
)
