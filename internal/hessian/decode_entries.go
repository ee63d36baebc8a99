package hessian

// Map reads a map of any class, or null, and gives its entries in order. Keys that are no strings are given as fmt shows
// them. An error of each ends the reading and is returned as it is.
func (d *Decoder) Map(each func(key string, value any) error) error {
	if err := d.count(1); err != nil {
		return err
	}
	if d.pos < len(d.b) && d.b[d.pos] == tagNull {
		d.pos++
		return nil
	}
	if err := d.beginMap(0, nil); err != nil {
		return err
	}
	for i := 0; ; i++ {
		if done, err := d.mapEnd(); done || err != nil {
			return err
		}
		var last *entry
		if i < usualEntries {
			last = &d.usual[i]
		}
		key, err := d.entryKey(last)
		if err != nil {
			return err
		}
		value, err := d.entryValue(last)
		if err != nil {
			return err
		}
		if err := each(key, value); err != nil {
			return err
		}
	}
}

// mapKey reads a key as text.
func (d *Decoder) mapKey() (string, error) {
	if d.pos < len(d.b) && isString(d.b[d.pos]) {
		return d.str()
	}
	key, err := d.any()
	if err != nil {
		return "", err
	}
	return keyText(key), nil
}

// entry is an entry of a map that Map read before, of short strings. The attachments of calls are much the same from call
// to call, and what is the same needs no memory of its own.
type entry struct {
	key, text string
	value     any // text
}

const (
	usualEntries = 8
	maxUsual     = 128 // bytes of a string
)

// entryKey reads a key; last is the entry in its place the last time, nil for none.
func (d *Decoder) entryKey(last *entry) (string, error) {
	if last == nil {
		return d.mapKey()
	}
	if d.same(last.key) {
		return last.key, nil
	}
	key, err := d.mapKey()
	if len(key) <= maxUsual {
		last.key = key
	}
	return key, err
}

// entryValue reads a value, last as for entryKey.
func (d *Decoder) entryValue(last *entry) (any, error) {
	if last == nil {
		return d.any()
	}
	if last.text != "" && d.same(last.text) {
		return last.value, nil
	}
	v, err := d.any()
	if s, ok := v.(string); ok && len(s) <= maxUsual {
		last.text, last.value = s, v
	}
	return v, err
}

// same passes over a string if it is s.
func (d *Decoder) same(s string) bool {
	from, to, ok := d.plain()
	if !ok || string(d.b[from:to]) != s {
		return false
	}
	d.pos = to
	return true
}
