package java

import (
	"fmt"
	"time"
)

// LocalDate is java.time.LocalDate: a day without a time zone. Year may be negative. The zero value, which is no day, stands
// for null; so it does for LocalDateTime, Instant, OffsetDateTime, ZonedDateTime, YearMonth and MonthDay. The other types'
// zero values are values of Java's, and a pointer keeps null apart from them.
type LocalDate struct {
	Year  int
	Month time.Month
	Day   int
}

// String gives Java's form, "2026-03-09".
func (d LocalDate) String() string {
	return fmt.Sprintf("%s-%02d-%02d", year(d.Year), int(d.Month), d.Day)
}

// LocalTime is java.time.LocalTime: a time of day without a time zone.
type LocalTime struct {
	Hour, Minute, Second, Nano int
}

// String gives Java's form: "10:15", "10:15:30", or with a fraction of 3, 6 or 9 digits.
func (t LocalTime) String() string {
	if t.Second == 0 && t.Nano == 0 {
		return fmt.Sprintf("%02d:%02d", t.Hour, t.Minute)
	}
	s := fmt.Sprintf("%02d:%02d:%02d", t.Hour, t.Minute, t.Second)
	switch {
	case t.Nano == 0:
		return s
	case t.Nano%1e6 == 0:
		return fmt.Sprintf("%s.%03d", s, t.Nano/1e6)
	case t.Nano%1e3 == 0:
		return fmt.Sprintf("%s.%06d", s, t.Nano/1e3)
	}
	return fmt.Sprintf("%s.%09d", s, t.Nano)
}

// LocalDateTime is java.time.LocalDateTime: a day and a time of day without a time zone.
type LocalDateTime struct {
	Date LocalDate
	Time LocalTime
}

// String gives Java's form, "2026-03-09T10:15:30".
func (t LocalDateTime) String() string { return t.Date.String() + "T" + t.Time.String() }

// Instant is java.time.Instant, to the nanosecond (time.Time itself stands for java.util.Date, to the millisecond).
// One that was read is in UTC.
type Instant struct{ time.Time }

// OffsetDateTime is java.time.OffsetDateTime. One that was read has a location without a name.
type OffsetDateTime struct{ time.Time }

// ZonedDateTime is java.time.ZonedDateTime. The location's name is Java's zone id ("Europe/Berlin", "+02:00"). Where this
// machine doesn't know a zone that was read, the location is fixed at the offset that came with it, under the same name.
type ZonedDateTime struct{ time.Time }

// OffsetTime is java.time.OffsetTime: a time of day and an offset from UTC.
type OffsetTime struct {
	Time   LocalTime
	Offset int // seconds east of UTC
}

// Year is java.time.Year.
type Year int

// YearMonth is java.time.YearMonth.
type YearMonth struct {
	Year  int
	Month time.Month
}

// String gives Java's form, "2026-03".
func (y YearMonth) String() string { return fmt.Sprintf("%s-%02d", year(y.Year), int(y.Month)) }

// MonthDay is java.time.MonthDay.
type MonthDay struct {
	Month time.Month
	Day   int
}

// String gives Java's form, "--03-09".
func (m MonthDay) String() string { return fmt.Sprintf("--%02d-%02d", int(m.Month), m.Day) }

// Period is java.time.Period.
type Period struct {
	Years, Months, Days int
}

// Locale is java.util.Locale in the form that Locale.toString gives: "en", "zh_CN", "zh_TW_#Hant". The empty one is
// Locale.ROOT; null is read as it, too.
type Locale string

// year is a year as java.time writes it: at least four digits, a sign where there are more.
func year(y int) string {
	switch {
	case y < 0:
		return fmt.Sprintf("-%04d", -y)
	case y > 9999:
		return fmt.Sprintf("+%d", y)
	}
	return fmt.Sprintf("%04d", y)
}
