package hessian

// The tags of Hessian 2 as Dubbo's hessian-lite writes and reads them (com.alibaba.com.caucho.hessian.io.Hessian2Constants
// and Hessian2Input, 3.2.13 with Dubbo 2.7.23, 4.0.x with Dubbo 3.3). A name ending in "Min" begins a range of tags that
// ends with the "Max" after it; where a "Zero" is named, the value's high bits are tag − Zero.
const (
	tagNull  = 'N'
	tagTrue  = 'T'
	tagFalse = 'F'
	tagRef   = 'Q' // an int follows: the number of an object, list or map already begun
	tagEnd   = 'Z' // of a map or of a list without a length

	tagInt          = 'I'  // 4 bytes follow
	tagIntMin       = 0x80 // −16…47 in the tag itself
	tagIntZero      = 0x90
	tagIntMax       = 0xbf
	tagInt2Min      = 0xc0 // −2048…2047 with 1 more byte
	tagInt2Zero     = 0xc8
	tagInt2Max      = 0xcf
	tagInt3Min      = 0xd0 // −262144…262143 with 2 more bytes
	tagInt3Zero     = 0xd4
	tagInt3Max      = 0xd7
	tagLong         = 'L'  // 8 bytes follow
	tagLongMin      = 0xd8 // −8…15 in the tag itself
	tagLongZero     = 0xe0
	tagLongMax      = 0xef
	tagLong2Min     = 0xf0 // −2048…2047 with 1 more byte
	tagLong2Zero    = 0xf8
	tagLong2Max     = 0xff
	tagLong3Min     = 0x38 // −262144…262143 with 2 more bytes
	tagLong3Zero    = 0x3c
	tagLong3Max     = 0x3f
	tagLongInt      = 0x59 // 4 bytes follow, sign-extended
	tagDouble       = 'D'  // 8 bytes follow, IEEE 754
	tagDoubleZero   = 0x5b
	tagDoubleOne    = 0x5c
	tagDoubleByte   = 0x5d // 1 byte follows, signed
	tagDoubleShort  = 0x5e // 2 bytes follow, signed
	tagDoubleMill   = 0x5f // 4 bytes follow, signed: thousandths (not a float32 as the Hessian 2 draft has it)
	tagDate         = 0x4a // 8 bytes follow: ms since 1970
	tagDateMinute   = 0x4b // 4 bytes follow: minutes since 1970
	tagString       = 'S'  // the last chunk: 2 bytes of length, in UTF-16 units, follow
	tagStringChunk  = 'R'  // a chunk that another follows
	tagStringMin    = 0x00 // 0…31 units
	tagStringMax    = 0x1f
	tagString2Min   = 0x30 // 0…1023 units, low 8 bits in 1 more byte
	tagString2Max   = 0x33
	tagBinary       = 'B' // the last chunk: 2 bytes of length follow
	tagBinaryChunk  = 'A' // a chunk that another follows
	tagBinaryMin    = 0x20
	tagBinaryMax    = 0x2f // 0…15 bytes
	tagBinary2Min   = 0x34 // 0…1023 bytes, low 8 bits in 1 more byte
	tagBinary2Max   = 0x37
	tagListVar      = 0x55 // type, values, 'Z'
	tagListFixed    = 'V'  // type, int length, values
	tagListVarAny   = 0x57 // values, 'Z'
	tagListFixedAny = 0x58 // int length, values
	tagListMin      = 0x70 // type, 0…7 values
	tagListMax      = 0x77
	tagListAnyMin   = 0x78 // 0…7 values
	tagListAnyMax   = 0x7f
	tagMap          = 'M' // type, keys and values, 'Z'
	tagMapAny       = 'H' // keys and values, 'Z'
	tagClass        = 'C' // class name, int count, field names; an object follows
	tagObject       = 'O' // int number of a class definition, field values
	tagObjectMin    = 0x60
	tagObjectMax    = 0x6f // class definition 0…15
)

// A type of a list or map is a string, or an int: the number of a type string read before. A class definition may stand
// wherever a value may, any number of times, and is no value itself.

// describe names what a tag begins, "" for a tag that begins nothing.
func describe(tag byte) string {
	switch {
	case tag == tagNull:
		return "null"
	case tag == tagTrue || tag == tagFalse:
		return "a boolean"
	case isString(tag):
		return "a string"
	case isBinary(tag):
		return "a byte[]"
	case isObject(tag):
		return "an object"
	case isList(tag):
		return "a list"
	case tag == tagMap || tag == tagMapAny:
		return "a map"
	case tag == tagRef:
		return "a reference"
	case tag == tagDate || tag == tagDateMinute:
		return "a date"
	case tag == tagDouble || tag >= tagDoubleZero && tag <= tagDoubleMill:
		return "a double"
	case tag == tagLong || tag == tagLongInt || tag >= tagLong3Min && tag <= tagLong3Max || tag >= tagLongMin:
		return "a long"
	case tag == tagInt || tag >= tagIntMin:
		return "an int"
	case tag == tagEnd:
		return "the end of a list or map"
	}
	return ""
}

func isString(tag byte) bool {
	return tag <= tagStringMax || tag >= tagString2Min && tag <= tagString2Max || tag == tagString || tag == tagStringChunk
}

func isBinary(tag byte) bool {
	return tag >= tagBinaryMin && tag <= tagBinaryMax || tag >= tagBinary2Min && tag <= tagBinary2Max ||
		tag == tagBinary || tag == tagBinaryChunk
}

// isObject tells of an object or of the class definition before it.
func isObject(tag byte) bool {
	return tag >= tagObjectMin && tag <= tagObjectMax || tag == tagObject || tag == tagClass
}

func isList(tag byte) bool {
	return tag >= tagListMin && tag <= tagListAnyMax || tag >= tagListVar && tag <= tagListFixedAny
}
