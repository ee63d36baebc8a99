package hessian

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
	"unsafe"

	"github.com/dubbofn/dubbofn/java"
)

// The classes that java.time's values travel as (hessian-lite's java8.*Handle, alike in 3.2.13 and 4.0.4), with their fields
// in the order in which 4.0.4 writes them.
type (
	localDate struct {
		Day, Month, Year int32
		Compact          *int64 `hessian:"<compact"` // days since 1970
	}
	localTime struct {
		Nano, Second, Minute, Hour int32
		Compact                    *int64 `hessian:"<compact"` // ns since midnight
	}
	localDateTime struct {
		Time java.LocalTime
		Date java.LocalDate
	}
	secondsNanos struct {
		Nanos   int32
		Seconds int64
	}
	offsetSeconds  struct{ Seconds int32 }
	offsetDateTime struct {
		Offset   zoneOffset
		DateTime java.LocalDateTime
	}
	offsetTime struct {
		ZoneOffset zoneOffset
		LocalTime  java.LocalTime
	}
	zonedDateTime struct {
		Offset   zoneOffset
		DateTime java.LocalDateTime
		ZoneID   string `hessian:"zoneId"`
	}
	yearOnly  struct{ Year int32 }
	yearMonth struct{ Month, Year int32 }
	monthDay  struct{ Day, Month int32 }
	period    struct{ Days, Months, Years int32 }
)

// zoneOffset is java.time.ZoneOffset, in seconds.
type zoneOffset int32

// timePlan compiles a type of java.time.
func (c *compiler) timePlan(p *Plan) bool {
	const handle, name = packageJava8, "java.time."
	switch p.rt {
	case typeDuration:
		value(c, p, handle+"DurationHandle", name+"Duration", readDuration, writeDuration)
	case reflect.TypeFor[java.LocalDate]():
		value(c, p, handle+"LocalDateHandle", name+"LocalDate", readLocalDate, writeLocalDate)
		orLong(p, func(v int64, at unsafe.Pointer) { *(*java.LocalDate)(at) = epochDay(v) })
	case reflect.TypeFor[java.LocalTime]():
		value(c, p, handle+"LocalTimeHandle", name+"LocalTime", readLocalTime, writeLocalTime)
		orLong(p, func(v int64, at unsafe.Pointer) { *(*java.LocalTime)(at) = nanoOfDay(v) })
	case reflect.TypeFor[java.LocalDateTime]():
		value(c, p, handle+"LocalDateTimeHandle", name+"LocalDateTime", readLocalDateTime, writeLocalDateTime)
	case reflect.TypeFor[java.Instant]():
		value(c, p, handle+"InstantHandle", name+"Instant", readInstant, writeInstant)
	case reflect.TypeFor[zoneOffset]():
		value(c, p, handle+"ZoneOffsetHandle", name+"ZoneOffset", readOffset, writeOffset)
	case reflect.TypeFor[java.OffsetDateTime]():
		value(c, p, handle+"OffsetDateTimeHandle", name+"OffsetDateTime", readOffsetDateTime, writeOffsetDateTime)
	case reflect.TypeFor[java.OffsetTime]():
		value(c, p, handle+"OffsetTimeHandle", name+"OffsetTime", readOffsetTime, writeOffsetTime)
	case reflect.TypeFor[java.ZonedDateTime]():
		value(c, p, handle+"ZonedDateTimeHandle", name+"ZonedDateTime", readZonedDateTime, writeZonedDateTime)
	case reflect.TypeFor[java.Year]():
		value(c, p, handle+"YearHandle", name+"Year", readYear, writeYear)
	case reflect.TypeFor[java.YearMonth]():
		value(c, p, handle+"YearMonthHandle", name+"YearMonth", readYearMonth, writeYearMonth)
	case reflect.TypeFor[java.MonthDay]():
		value(c, p, handle+"MonthDayHandle", name+"MonthDay", readMonthDay, writeMonthDay)
	case reflect.TypeFor[java.Period]():
		value(c, p, handle+"PeriodHandle", name+"Period", readPeriod, writePeriod)
	default:
		return false
	}
	return true
}

// orLong lets a value be read from a long too, as hessian-lite 4.0.4 writes it in its compact mode.
func orLong(p *Plan, set func(int64, unsafe.Pointer)) {
	dec := p.dec
	p.dec = func(d *Decoder, at unsafe.Pointer) error {
		if d.pos >= len(d.b) || numberSize[d.b[d.pos]] == 0 {
			return dec(d, at)
		}
		v, err := d.integer(p.java)
		set(v, at)
		return err
	}
}

// date compiles time.Time, which is java.util.Date: a moment to the millisecond, read in UTC. The zero Time is null.
// java.sql's dates and java.util.Calendar can be read as well.
func (c *compiler) date(p *Plan) {
	p.kind, p.java = kindValue, "java.util.Date"
	type holder struct {
		Value time.Time // java.sql.Timestamp, Date and Time
		Date  time.Time // com.alibaba.com.caucho.hessian.io.CalendarHandle
	}
	var form *Plan
	p.dec = func(d *Decoder, at unsafe.Pointer) error {
		if err := d.definitions(form); err != nil {
			return err
		}
		if d.pos < len(d.b) && d.b[d.pos] == tagRef {
			return d.refTo(p, at)
		}
		if d.pos < len(d.b) && isObject(d.b[d.pos]) {
			h := new(holder)
			err := d.structure(form, unsafe.Pointer(h))
			if *(*time.Time)(at) = h.Value; h.Value.IsZero() {
				*(*time.Time)(at) = h.Date
			}
			return err
		}
		ms, ok, err := d.millis()
		if ok {
			*(*time.Time)(at) = time.UnixMilli(ms).UTC()
		}
		return err
	}
	p.enc = func(e *Encoder, at unsafe.Pointer) error {
		if t := *(*time.Time)(at); t.IsZero() {
			e.Null()
		} else {
			e.date(t.UnixMilli())
		}
		return nil
	}
	form = c.form(reflect.TypeFor[holder](), "java.sql.Timestamp")
}

func readDuration(_ *Decoder, h *secondsNanos, v *time.Duration) error {
	const limit = math.MaxInt64 / int64(time.Second)
	if h.Seconds >= limit || h.Seconds <= -limit {
		return fmt.Errorf("%d s are out of range for time.Duration (±%d s)", h.Seconds, limit)
	}
	*v = time.Duration(h.Seconds)*time.Second + time.Duration(h.Nanos)
	return nil
}

func writeDuration(_ *Encoder, v *time.Duration, h *secondsNanos) (bool, error) {
	h.Seconds, h.Nanos = int64(*v/time.Second), int32(*v%time.Second)
	if h.Nanos < 0 {
		h.Seconds, h.Nanos = h.Seconds-1, h.Nanos+int32(time.Second)
	}
	return true, nil
}

func readLocalDate(_ *Decoder, h *localDate, v *java.LocalDate) error {
	if h.Compact != nil {
		*v = epochDay(*h.Compact)
		return nil
	}
	*v = java.LocalDate{Year: int(h.Year), Month: time.Month(h.Month), Day: int(h.Day)}
	return nil
}

func epochDay(days int64) java.LocalDate {
	const most = 365_241_780_471 // what LocalDate allows; more would overflow
	y, m, d := time.Unix(min(max(days, -most), most)*86400, 0).UTC().Date()
	return java.LocalDate{Year: y, Month: m, Day: d}
}

func nanoOfDay(ns int64) java.LocalTime {
	s := ns / 1e9
	return java.LocalTime{Hour: int(s / 3600), Minute: int(s / 60 % 60), Second: int(s % 60), Nano: int(ns % 1e9)}
}

func writeLocalDate(_ *Encoder, v *java.LocalDate, h *localDate) (bool, error) {
	h.Year, h.Month, h.Day = int32(v.Year), int32(v.Month), int32(v.Day)
	return *v != java.LocalDate{}, nil
}

func readLocalTime(_ *Decoder, h *localTime, v *java.LocalTime) error {
	if h.Compact != nil {
		*v = nanoOfDay(*h.Compact)
		return nil
	}
	*v = java.LocalTime{Hour: int(h.Hour), Minute: int(h.Minute), Second: int(h.Second), Nano: int(h.Nano)}
	return nil
}

func writeLocalTime(_ *Encoder, v *java.LocalTime, h *localTime) (bool, error) {
	h.Hour, h.Minute, h.Second, h.Nano = int32(v.Hour), int32(v.Minute), int32(v.Second), int32(v.Nano)
	return true, nil
}

func readLocalDateTime(_ *Decoder, h *localDateTime, v *java.LocalDateTime) error {
	*v = java.LocalDateTime{Date: h.Date, Time: h.Time}
	return nil
}

func writeLocalDateTime(_ *Encoder, v *java.LocalDateTime, h *localDateTime) (bool, error) {
	h.Date, h.Time = v.Date, v.Time
	return *v != java.LocalDateTime{}, nil
}

func readInstant(_ *Decoder, h *secondsNanos, v *java.Instant) error {
	v.Time = time.Unix(h.Seconds, int64(h.Nanos)).UTC()
	return nil
}

func writeInstant(_ *Encoder, v *java.Instant, h *secondsNanos) (bool, error) {
	h.Seconds, h.Nanos = v.Unix(), int32(v.Nanosecond())
	return !v.IsZero(), nil
}

func readOffset(_ *Decoder, h *offsetSeconds, v *zoneOffset) error {
	*v = zoneOffset(h.Seconds)
	return nil
}

func writeOffset(_ *Encoder, v *zoneOffset, h *offsetSeconds) (bool, error) {
	h.Seconds = int32(*v)
	return true, nil
}

func readOffsetDateTime(_ *Decoder, h *offsetDateTime, v *java.OffsetDateTime) error {
	v.Time = moment(h.DateTime, time.FixedZone("", int(h.Offset)))
	return nil
}

func writeOffsetDateTime(_ *Encoder, v *java.OffsetDateTime, h *offsetDateTime) (bool, error) {
	h.DateTime, h.Offset = local(v.Time)
	return !v.IsZero(), nil
}

func readOffsetTime(_ *Decoder, h *offsetTime, v *java.OffsetTime) error {
	*v = java.OffsetTime{Time: h.LocalTime, Offset: int(h.ZoneOffset)}
	return nil
}

func writeOffsetTime(_ *Encoder, v *java.OffsetTime, h *offsetTime) (bool, error) {
	h.LocalTime, h.ZoneOffset = v.Time, zoneOffset(v.Offset)
	return true, nil
}

func readZonedDateTime(d *Decoder, h *zonedDateTime, v *java.ZonedDateTime) error {
	fixed := moment(h.DateTime, time.FixedZone(h.ZoneID, int(h.Offset)))
	v.Time = fixed
	if known := d.t.zones.load(h.ZoneID); known != nil {
		if _, offset := fixed.In(known).Zone(); offset == int(h.Offset) {
			v.Time = fixed.In(known)
		}
	}
	return nil
}

func writeZonedDateTime(e *Encoder, v *java.ZonedDateTime, h *zonedDateTime) (bool, error) {
	h.DateTime, h.Offset = local(v.Time)
	h.ZoneID = v.Location().String()
	if !javaKnows(h.ZoneID) && (h.ZoneID == "Local" || e.t.zones.load(h.ZoneID) == nil) {
		h.ZoneID = offsetName(int(h.Offset))
	}
	return !v.IsZero(), nil
}

// javaKnows tells of the zone ids that ZoneId.of takes for their form alone, or that are regions of the tz database.
func javaKnows(zone string) bool {
	if zone == "Z" || strings.Contains(zone, "/") {
		return true
	}
	for _, prefix := range []string{"UTC", "GMT", "UT"} {
		zone = strings.TrimPrefix(zone, prefix)
	}
	return strings.HasPrefix(zone, "+") || strings.HasPrefix(zone, "-")
}

// offsetName is an offset as Java writes it: "+02:00", "Z".
func offsetName(seconds int) string {
	if seconds == 0 {
		return "Z"
	}
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	name := fmt.Sprintf("%c%02d:%02d", sign, seconds/3600, seconds/60%60)
	if s := seconds % 60; s != 0 {
		name += fmt.Sprintf(":%02d", s)
	}
	return name
}

// moment is a local date and time somewhere.
func moment(t java.LocalDateTime, in *time.Location) time.Time {
	return time.Date(t.Date.Year, t.Date.Month, t.Date.Day, t.Time.Hour, t.Time.Minute, t.Time.Second, t.Time.Nano, in)
}

// local is the other way round.
func local(t time.Time) (java.LocalDateTime, zoneOffset) {
	_, offset := t.Zone()
	return java.LocalDateTime{
		Date: java.LocalDate{Year: t.Year(), Month: t.Month(), Day: t.Day()},
		Time: java.LocalTime{Hour: t.Hour(), Minute: t.Minute(), Second: t.Second(), Nano: t.Nanosecond()},
	}, zoneOffset(offset)
}

func readYear(_ *Decoder, h *yearOnly, v *java.Year) error {
	*v = java.Year(h.Year)
	return nil
}

func writeYear(_ *Encoder, v *java.Year, h *yearOnly) (bool, error) {
	h.Year = int32(*v)
	return true, nil
}

func readYearMonth(_ *Decoder, h *yearMonth, v *java.YearMonth) error {
	*v = java.YearMonth{Year: int(h.Year), Month: time.Month(h.Month)}
	return nil
}

func writeYearMonth(_ *Encoder, v *java.YearMonth, h *yearMonth) (bool, error) {
	h.Year, h.Month = int32(v.Year), int32(v.Month)
	return *v != java.YearMonth{}, nil
}

func readMonthDay(_ *Decoder, h *monthDay, v *java.MonthDay) error {
	*v = java.MonthDay{Month: time.Month(h.Month), Day: int(h.Day)}
	return nil
}

func writeMonthDay(_ *Encoder, v *java.MonthDay, h *monthDay) (bool, error) {
	h.Month, h.Day = int32(v.Month), int32(v.Day)
	return *v != java.MonthDay{}, nil
}

func readPeriod(_ *Decoder, h *period, v *java.Period) error {
	*v = java.Period{Years: int(h.Years), Months: int(h.Months), Days: int(h.Days)}
	return nil
}

func writePeriod(_ *Encoder, v *java.Period, h *period) (bool, error) {
	h.Years, h.Months, h.Days = int32(v.Years), int32(v.Months), int32(v.Days)
	return true, nil
}
