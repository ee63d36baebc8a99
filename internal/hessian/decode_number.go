package hessian

import (
	"encoding/binary"
	"math"
)

// integer reads any number without a fraction, a boolean or null (0), as Java's readers do.
func (d *Decoder) integer(want string) (int64, error) {
	b, p := d.b, d.pos
	if p >= len(b) {
		return 0, d.short()
	}
	tag := b[p]
	n := numberSize[tag]
	if n == 0 || len(b)-p < int(n) {
		return d.oddInteger(want)
	}
	d.pos = p + int(n)
	switch {
	case tag >= tagIntMin && tag <= tagIntMax:
		return int64(tag) - tagIntZero, nil
	case tag >= tagLongMin && tag <= tagLongMax:
		return int64(tag) - tagLongZero, nil
	case tag >= tagInt2Min && tag <= tagInt2Max:
		return (int64(tag)-tagInt2Zero)<<8 + int64(b[p+1]), nil
	case tag >= tagLong2Min:
		return (int64(tag)-tagLong2Zero)<<8 + int64(b[p+1]), nil
	case tag >= tagInt3Min && tag <= tagInt3Max:
		return (int64(tag)-tagInt3Zero)<<16 + int64(b[p+1])<<8 + int64(b[p+2]), nil
	case tag >= tagLong3Min && tag <= tagLong3Max:
		return (int64(tag)-tagLong3Zero)<<16 + int64(b[p+1])<<8 + int64(b[p+2]), nil
	case tag == tagInt || tag == tagLongInt:
		return int64(int32(binary.BigEndian.Uint32(b[p+1:]))), nil
	}
	return int64(binary.BigEndian.Uint64(b[p+1:])), nil // tagLong
}

// numberSize is how many bytes the int or long with that tag takes, its tag included; 0 for other tags.
var numberSize = func() (size [256]uint8) {
	fill := func(from, to int, n uint8) {
		for tag := from; tag <= to; tag++ {
			size[tag] = n
		}
	}
	fill(tagIntMin, tagIntMax, 1)
	fill(tagInt2Min, tagInt2Max, 2)
	fill(tagInt3Min, tagInt3Max, 3)
	fill(tagLongMin, tagLongMax, 1)
	fill(tagLong2Min, tagLong2Max, 2)
	fill(tagLong3Min, tagLong3Max, 3)
	size[tagInt], size[tagLongInt], size[tagLong] = 5, 5, 9
	return size
}()

// oddInteger is integer for what is neither int nor long.
func (d *Decoder) oddInteger(want string) (int64, error) {
	switch tag := d.b[d.pos]; {
	case numberSize[tag] != 0:
		return 0, d.short()
	case tag == tagNull || tag == tagFalse:
		d.pos++
		return 0, nil
	case tag == tagTrue:
		d.pos++
		return 1, nil
	case tag == tagDouble || tag >= tagDoubleZero && tag <= tagDoubleMill:
		at := d.pos
		f, err := d.float()
		if err != nil {
			return 0, err
		}
		if f != math.Trunc(f) || f < -1<<63 || f >= 1<<63 {
			return 0, d.fail(KindType, at, "%v where %s is wanted", f, want)
		}
		return int64(f), nil
	}
	return 0, d.mismatch(want)
}

func (d *Decoder) int32() (int32, error) {
	at := d.pos
	v, err := d.integer("an int")
	if err == nil && v != int64(int32(v)) {
		return 0, d.fail(KindType, at, "%d is out of range for int (-2147483648 to 2147483647)", v)
	}
	return int32(v), err
}

func (d *Decoder) int16() (int16, error) {
	at := d.pos
	v, err := d.integer("a short")
	if err == nil && v != int64(int16(v)) {
		return 0, d.fail(KindType, at, "%d is out of range for short (-32768 to 32767)", v)
	}
	return int16(v), err
}

func (d *Decoder) int8() (int8, error) {
	at := d.pos
	v, err := d.integer("a byte")
	if err == nil && v != int64(int8(v)) {
		return 0, d.fail(KindType, at, "%d is out of range for byte (-128 to 127)", v)
	}
	return int8(v), err
}

// bool reads a boolean; as in Java null is false and a number is true unless it is 0.
func (d *Decoder) bool() (bool, error) {
	if d.pos < len(d.b) {
		switch d.b[d.pos] {
		case tagTrue:
			d.pos++
			return true, nil
		case tagFalse:
			d.pos++
			return false, nil
		}
	}
	v, err := d.integer("a boolean")
	return v != 0, err
}

// float reads a double, or any other number.
func (d *Decoder) float() (float64, error) {
	b, p := d.b, d.pos
	if p >= len(b) {
		return 0, d.short()
	}
	size := 1
	switch b[p] {
	case tagDouble:
		size = 9
	case tagDoubleByte:
		size = 2
	case tagDoubleShort:
		size = 3
	case tagDoubleMill:
		size = 5
	case tagDoubleZero, tagDoubleOne:
	default:
		v, err := d.integer("a double")
		return float64(v), err
	}
	if len(b)-p < size {
		return 0, d.short()
	}
	d.pos = p + size
	switch b[p] {
	case tagDouble:
		return math.Float64frombits(binary.BigEndian.Uint64(b[p+1:])), nil
	case tagDoubleByte:
		return float64(int8(b[p+1])), nil
	case tagDoubleShort:
		return float64(int16(binary.BigEndian.Uint16(b[p+1:]))), nil
	case tagDoubleMill:
		return mill * float64(int32(binary.BigEndian.Uint32(b[p+1:]))), nil
	case tagDoubleOne:
		return 1, nil
	}
	return 0, nil
}

// mill is what tagDoubleMill counts. The product, not the quotient by 1000, is what Java computes: they differ in the last bit.
const mill = 0.001

// millis reads a date as ms since 1970; ok is false for null.
func (d *Decoder) millis() (ms int64, ok bool, err error) {
	b, p := d.b, d.pos
	if p >= len(b) {
		return 0, false, d.short()
	}
	switch {
	case b[p] == tagNull:
		d.pos++
		return 0, false, nil
	case b[p] == tagDate && len(b)-p >= 9:
		d.pos += 9
		return int64(binary.BigEndian.Uint64(b[p+1:])), true, nil
	case b[p] == tagDateMinute && len(b)-p >= 5:
		d.pos += 5
		return int64(int32(binary.BigEndian.Uint32(b[p+1:]))) * 60_000, true, nil
	case b[p] == tagDate || b[p] == tagDateMinute:
		return 0, false, d.short()
	}
	return 0, false, d.mismatch("a date")
}
