package hessian

import (
	"encoding"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/dubbofn/dubbofn/java"
)

const (
	classBigDecimal = "java.math.BigDecimal"
	classBigInteger = "java.math.BigInteger"
	classUUID       = "java.util.UUID"
	packageIO       = "com.alibaba.com.caucho.hessian.io." // hessian-lite's own classes
	packageJava8    = packageIO + "java8."
)

// builtin compiles what dynamic values are made of.
func (t *Types) builtin() {
	c := compiler{t: t, own: true, made: map[reflect.Type]*Plan{}, seen: map[*Plan]bool{}, classes: map[string]*Plan{}}
	for _, v := range []any{
		[]bool(nil), []int16(nil), []int32(nil), []int64(nil), []float32(nil), []float64(nil),
		(*java.Object)(nil), (*java.List)(nil), (*java.Map)(nil), []any(nil), map[any]any(nil),
	} {
		c.plan(reflect.TypeOf(v), typeText(reflect.TypeOf(v)))
	}
	t.arrays = map[string]*Plan{
		"[boolean": c.made[reflect.TypeFor[[]bool]()], "[short": c.made[reflect.TypeFor[[]int16]()],
		"[int": c.made[reflect.TypeFor[[]int32]()], "[long": c.made[reflect.TypeFor[[]int64]()],
		"[float": c.made[reflect.TypeFor[[]float32]()], "[double": c.made[reflect.TypeFor[[]float64]()],
	}
	t.any, t.list, t.table = c.made[reflect.TypeFor[any]()], c.made[reflect.TypeFor[[]any]()], c.made[reflect.TypeFor[map[any]any]()]
	t.object, t.typedList = c.made[reflect.TypeFor[*java.Object]()], c.made[reflect.TypeFor[*java.List]()]
	t.typedMap = c.made[reflect.TypeFor[*java.Map]()]
	t.adopt(&c)
}

// complete compiles Java's own values, with t.mu held. Most functions need none of them, and would take a twentieth more time to start.
func (t *Types) complete() {
	if t.whole.Load() {
		return
	}
	c := compiler{t: t, own: true, made: map[reflect.Type]*Plan{}, seen: map[*Plan]bool{}, classes: maps.Clone(*t.classes.Load())}
	for _, v := range []any{
		(*java.BigDecimal)(nil), (*big.Int)(nil), java.UUID{}, java.Locale(""), java.LocalDate{}, java.LocalTime{},
		java.LocalDateTime{}, java.Instant{}, time.Duration(0), zoneOffset(0), java.OffsetDateTime{}, java.OffsetTime{},
		java.ZonedDateTime{}, java.Year(0), java.YearMonth{}, java.MonthDay{}, java.Period{}, time.Time{},
	} {
		c.plan(reflect.TypeOf(v), typeText(reflect.TypeOf(v)))
	}
	for _, p := range c.made {
		if p.kind == kindValue && p.class != "" {
			c.classes[p.class] = p
		}
	}
	c.classes[classBigDecimal] = c.made[reflect.TypeFor[*java.BigDecimal]()]
	c.classes[classBigInteger] = c.made[reflect.TypeFor[*big.Int]()]
	c.classes["java.time.LocalDate"] = c.made[reflect.TypeFor[java.LocalDate]()]
	c.classes["java.time.LocalTime"] = c.made[reflect.TypeFor[java.LocalTime]()]
	c.classes["java.time.LocalDateTime"] = c.made[reflect.TypeFor[java.LocalDateTime]()]
	delete(c.classes, packageJava8+"ZoneOffsetHandle") // no type of its own that a program could name
	t.adopt(&c)
	t.whole.Store(true)
}

// isOwn tells of the types that complete compiles, and of pointers to them.
func isOwn(rt reflect.Type) bool {
	if rt.Kind() == reflect.Pointer {
		rt = rt.Elem()
	}
	return rt == typeDuration || isValueType(rt)
}

// isOwnClass tells of the classes that complete knows, and of others of theirs.
func isOwnClass(class string) bool {
	return strings.HasPrefix(class, "java.") || strings.HasPrefix(class, packageIO)
}

// isValueType tells of the struct types that are one value.
func isValueType(rt reflect.Type) bool {
	return rt == typeTime || rt == typeBigInt || rt == typeBigDecimal || rt.PkgPath() == reflect.TypeFor[java.UUID]().PkgPath()
}

// builtinPlan compiles one of Java's own classes.
func (c *compiler) builtinPlan(p *Plan) bool {
	switch p.rt {
	case typeTime:
		c.date(p)
	case typeBigDecimal:
		c.textDecimal(p, "")
	case typeBigInt:
		value(c, p, classBigInteger, classBigInteger, readBigInteger, writeBigInteger)
	case reflect.TypeFor[java.UUID]():
		value(c, p, classUUID, classUUID, readUUID, writeUUID)
	case reflect.TypeFor[java.Locale]():
		value(c, p, packageIO+"LocaleHandle", "java.util.Locale", readLocale, writeLocale)
	case reflect.TypeFor[*java.Object]():
		dynamicPlan(p, "java.lang.Object", (*Decoder).objectInstance, (*Encoder).objectInstance)
	case reflect.TypeFor[*java.List]():
		dynamicPlan(p, "java.util.List", (*Decoder).typedList, (*Encoder).typedList)
	case reflect.TypeFor[*java.Map]():
		dynamicPlan(p, "java.util.Map", (*Decoder).typedMap, (*Encoder).typedMap)
	default:
		return c.timePlan(p)
	}
	return true
}

// value compiles a type that travels as an object of a class, whose fields the struct H has. read makes a value from them;
// write gives them, or false for null.
func value[V, H any](c *compiler, p *Plan, class, javaName string, read func(*Decoder, *H, *V) error, write func(*Encoder, *V, *H) (bool, error)) {
	p.kind, p.class, p.java = kindValue, class, javaName
	var forms formPool[H]
	form := c.form(reflect.TypeFor[H](), class)
	p.definition = form.definition
	asText := form.field("value")
	p.dec = func(d *Decoder, at unsafe.Pointer) error {
		switch tag, err := d.lead(form); {
		case err != nil || tag == tagNull:
			return err
		case tag == tagRef:
			return d.refTo(p, at)
		}
		if err := d.charge(allocated(form.size)); err != nil {
			return err
		}
		begin, h := d.pos, forms.get()
		defer forms.put(h)
		if err := d.formOrText(form, asText, unsafe.Pointer(h)); err != nil {
			return err
		}
		if err := read(d, h, (*V)(at)); err != nil {
			return d.fail(KindType, begin, "%s: %w", javaName, err)
		}
		return nil
	}
	p.enc = func(e *Encoder, at unsafe.Pointer) error {
		h := forms.get()
		defer forms.put(h)
		ok, err := write(e, (*V)(at), h)
		if err != nil {
			return encodeError(KindType, "%s: %w", javaName, err)
		}
		if !ok {
			e.Null()
			return nil
		}
		return form.enc(e, unsafe.Pointer(h))
	}
}

// formPool keeps forms for another value: they are read and written within one step.
type formPool[H any] struct{ pool sync.Pool }

func (f *formPool[H]) get() *H {
	if h, ok := f.pool.Get().(*H); ok {
		return h
	}
	return new(H)
}

func (f *formPool[H]) put(h *H) {
	*h = *new(H)
	f.pool.Put(h)
}

// formOrText reads an object, or a string or a number alone where one of its fields is the value's text.
func (d *Decoder) formOrText(form *Plan, asText *field, h unsafe.Pointer) (err error) {
	if asText == nil || d.pos >= len(d.b) || !isString(d.b[d.pos]) && numberSize[d.b[d.pos]] == 0 {
		return d.structure(form, h)
	}
	to := (*string)(unsafe.Add(h, asText.off))
	if isString(d.b[d.pos]) {
		*to, err = d.str()
		return err
	}
	n, err := d.integer("")
	*to = strconv.FormatInt(n, 10)
	return err
}

// text is the form of the values that are written as text.
type text struct {
	Value string
}

// maxDigits bounds decimals: reading one takes time with the square of its digits.
const maxDigits = 16384

// textDecimal compiles a decimal type through its text: java.BigDecimal or one named java.math.BigDecimal.
func (c *compiler) textDecimal(p *Plan, path string) {
	rt := p.rt
	if !reflect.PointerTo(rt).Implements(reflect.TypeFor[encoding.TextMarshaler]()) ||
		!reflect.PointerTo(rt).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		c.fault(path, "%v: a type for %s needs MarshalText and UnmarshalText", rt, classBigDecimal)
		return
	}
	p.kind, p.class, p.java = kindValue, classBigDecimal, classBigDecimal
	parse := func(s string, at unsafe.Pointer) error {
		return as[encoding.TextUnmarshaler](rt, at).UnmarshalText([]byte(s))
	}
	if rt == typeBigDecimal {
		parse = func(s string, at unsafe.Pointer) error {
			v, err := java.ParseBigDecimal(s)
			if err == nil {
				*(*java.BigDecimal)(at) = *v
			}
			return err
		}
	}
	var forms formPool[text]
	form := c.form(reflect.TypeFor[text](), classBigDecimal)
	p.definition = form.definition
	asText := form.field("value")
	p.dec = func(d *Decoder, at unsafe.Pointer) error {
		switch tag, err := d.lead(form); {
		case err != nil || tag == tagNull:
			return err
		case tag == tagRef:
			return d.refTo(p, at)
		}
		begin, h := d.pos, forms.get()
		defer forms.put(h)
		if err := d.formOrText(form, asText, unsafe.Pointer(h)); err != nil {
			return err
		}
		if len(h.Value) > maxDigits {
			return d.fail(KindLimit, begin, "a decimal of %d characters (limit %d)", len(h.Value), maxDigits)
		}
		if err := parse(h.Value, at); err != nil {
			return d.fail(KindType, begin, "%s: %w", classBigDecimal, err)
		}
		return nil
	}
	p.enc = func(e *Encoder, at unsafe.Pointer) error {
		s, err := as[encoding.TextMarshaler](rt, at).MarshalText()
		if err != nil {
			return encodeError(KindType, "%s: %w", classBigDecimal, err)
		}
		if !isDecimal(s) {
			return encodeError(KindType, "%s: %q is no decimal", classBigDecimal, s)
		}
		e.object(form)
		e.String(string(s))
		return nil
	}
}

// isDecimal tells a number from NaN and the infinities.
func isDecimal(s []byte) bool {
	for _, c := range s {
		if c >= '0' && c <= '9' {
			return true
		}
		if c != '+' && c != '-' && c != '.' {
			return false
		}
	}
	return false
}

type bigInteger struct {
	Signum int32
	Mag    []int32
	Value  string `hessian:"<value"`
}

func readBigInteger(_ *Decoder, h *bigInteger, v *big.Int) error {
	if h.Signum < -1 || h.Signum > 1 {
		return fmt.Errorf("signum %d (-1 to 1)", h.Signum)
	}
	if h.Value != "" {
		if len(h.Value) > maxDigits {
			return fmt.Errorf("%d characters (limit %d)", len(h.Value), maxDigits)
		}
		if _, ok := v.SetString(h.Value, 10); !ok {
			return fmt.Errorf("%q is no integer", h.Value)
		}
		return nil
	}
	mag := make([]byte, 4*len(h.Mag))
	for i, m := range h.Mag {
		mag[4*i], mag[4*i+1], mag[4*i+2], mag[4*i+3] = byte(m>>24), byte(m>>16), byte(m>>8), byte(m)
	}
	if v.SetBytes(mag); h.Signum == 0 && v.Sign() != 0 {
		return fmt.Errorf("signum 0, of a magnitude that is none")
	}
	if h.Signum < 0 {
		v.Neg(v)
	}
	return nil
}

func writeBigInteger(_ *Encoder, v *big.Int, h *bigInteger) (bool, error) {
	h.Signum = int32(v.Sign())
	mag := v.Bytes()
	h.Mag = make([]int32, (len(mag)+3)/4)
	for i := range mag {
		b := mag[len(mag)-1-i]
		h.Mag[len(h.Mag)-1-i/4] |= int32(b) << (8 * (i % 4))
	}
	return true, nil
}

type uuid struct {
	Value string
	Most  int64 `hessian:"<mostSigBits"`
	Least int64 `hessian:"<leastSigBits"`
}

func readUUID(_ *Decoder, h *uuid, v *java.UUID) error {
	if h.Value != "" {
		return v.UnmarshalText([]byte(h.Value))
	}
	for i := range 8 {
		v[i], v[8+i] = byte(h.Most>>(56-8*i)), byte(h.Least>>(56-8*i))
	}
	return nil
}

func writeUUID(_ *Encoder, v *java.UUID, h *uuid) (bool, error) {
	h.Value = v.String()
	return true, nil
}

func readLocale(_ *Decoder, h *text, v *java.Locale) error {
	*v = java.Locale(h.Value)
	return nil
}

func writeLocale(_ *Encoder, v *java.Locale, h *text) (bool, error) {
	h.Value = string(*v)
	return true, nil
}
