package hessian

// skip passes over a value that nobody wants now. Its lists, maps, objects, classes and types are numbered all the same,
// since later values may refer to them.
func (d *Decoder) skip() error {
	if err := d.definitions(nil); err != nil {
		return err
	}
	if d.pos >= len(d.b) {
		return d.short()
	}
	var err error
	switch tag := d.b[d.pos]; {
	case tag == tagNull || tag == tagTrue || tag == tagFalse:
		d.pos++
	case isString(tag):
		err = d.skipString()
	case isBinary(tag):
		err = d.skipBinary()
	case tag == tagDate || tag == tagDateMinute:
		_, _, err = d.millis()
	case tag == tagRef:
		_, err = d.refNumber()
	case isObject(tag):
		err = d.skipObject()
	case isList(tag):
		err = d.skipList()
	case tag == tagMap || tag == tagMapAny:
		err = d.skipMap()
	default:
		_, err = d.float()
	}
	return err
}

func (d *Decoder) skipBinary() error {
	for {
		n, last, err := d.binaryChunk()
		if err != nil {
			return err
		}
		d.pos += n
		if last {
			return nil
		}
	}
}

func (d *Decoder) skipObject() error {
	class, at, err := d.objectHead(nil)
	if err != nil {
		return err
	}
	if _, err := d.newRef(at, 0, nil); err != nil {
		return err
	}
	return d.skipValues(d.classes[class].n)
}

func (d *Decoder) skipList() error {
	at := d.pos
	n, _, err := d.listHead()
	if err != nil {
		return err
	}
	if _, err := d.newRef(at, 0, nil); err != nil {
		return err
	}
	if n >= 0 {
		return d.skipValues(n)
	}
	if err := d.enter(); err != nil {
		return err
	}
	for {
		if done, err := d.listEnd(); done || err != nil {
			return err
		}
		if err := d.skip(); err != nil {
			return err
		}
	}
}

func (d *Decoder) skipMap() error {
	if err := d.beginMap(0, nil); err != nil {
		return err
	}
	for {
		if done, err := d.mapEnd(); done || err != nil {
			return err
		}
		if err := d.skip(); err != nil {
			return err
		}
		if err := d.skip(); err != nil {
			return err
		}
	}
}

// skipValues passes over n values, one level deeper.
func (d *Decoder) skipValues(n int) error {
	if err := d.enter(); err != nil {
		return err
	}
	if err := d.count(n); err != nil {
		return err
	}
	for range n {
		if err := d.skip(); err != nil {
			return err
		}
	}
	d.depth++
	return nil
}
