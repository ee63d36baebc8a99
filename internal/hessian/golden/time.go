package golden

import (
	"math"
	"time"

	"github.com/dubbofn/dubbofn/java"
)

// The values of a Times with every field set.
func date() time.Time           { return time.UnixMilli(1700000012345).UTC() }
func localDate() java.LocalDate { return java.LocalDate{Year: 2024, Month: 2, Day: 29} }
func localTime() java.LocalTime {
	return java.LocalTime{Hour: 23, Minute: 59, Second: 58, Nano: 123456789}
}
func localDateTime() java.LocalDateTime {
	return java.LocalDateTime{Date: localDate(), Time: java.LocalTime{Hour: 1, Minute: 2, Second: 3, Nano: 4}}
}
func instant() java.Instant { return java.Instant{Time: time.Unix(1700000012, 345678901).UTC()} }
func noon(zone *time.Location) time.Time {
	return time.Date(2024, 7, 1, 12, 0, 0, 0, zone)
}
func zonedDateTime() java.ZonedDateTime {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		paris = time.FixedZone("Europe/Paris", 2*60*60)
	}
	return java.ZonedDateTime{Time: noon(paris)}
}
func offsetDateTime() java.OffsetDateTime {
	return java.OffsetDateTime{Time: noon(time.FixedZone("", -(3*60+30)*60))}
}
func uuid() java.UUID {
	return java.UUID{0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x12, 0xd3, 0xa4, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40, 0x00}
}

func times() []Case {
	handle := func(class string, fields ...java.Field) *java.Object {
		return &java.Object{Class: "com.alibaba.com.caucho.hessian.io." + class, Fields: fields}
	}
	return []Case{
		same("date-epoch", time.UnixMilli(0).UTC()),
		same("date-minute", time.UnixMilli(1700000040000).UTC()),
		same("date-milli", date()),
		same("date-negative", time.UnixMilli(-1).UTC()),
		same("date-min", time.UnixMilli(math.MinInt64).UTC()),
		same("uuid", uuid()),
		same("locale-en_US", java.Locale("en_US")),
		same("locale-fr", java.Locale("fr")),
		same("locale-root", java.Locale("")),
		same("locale-variant", java.Locale("es_ES_Traditional")),
		same("time-localdate", localDate()),
		same("time-localtime", localTime()),
		same("time-localdatetime", localDateTime()),
		same("time-instant", instant()),
		same("time-instant-before-epoch", java.Instant{Time: time.Unix(-1, 999999999).UTC()}),
		same("time-duration", 90*time.Second+5),
		same("time-duration-negative", time.Duration(-1)),
		same("time-zoneddatetime", zonedDateTime()),
		same("time-zoneddatetime-offset", java.ZonedDateTime{Time: noon(time.FixedZone("+08:00", 8*60*60))}),
		same("time-offsetdatetime", offsetDateTime()),
		same("time-offsettime", java.OffsetTime{Time: java.LocalTime{Hour: 1, Minute: 2, Second: 3}}),
		same("time-year", java.Year(-5)),
		same("time-yearmonth", java.YearMonth{Year: 2024, Month: 12}),
		same("time-monthday", java.MonthDay{Month: 2, Day: 29}),
		same("time-period", java.Period{Years: 1, Months: -2, Days: 30}),
		{Name: "time-zoneoffset", Dynamic: handle("java8.ZoneOffsetHandle", java.Field{Name: "seconds", Value: int32(8 * 60 * 60)})},
		{Name: "time-zoneid", Dynamic: handle("java8.ZoneIdHandle", java.Field{Name: "zoneId", Value: "Europe/Paris"})},
		{Name: "other-currency", Dynamic: &java.Object{Class: "java.util.Currency", Fields: []java.Field{{Name: "currencyCode", Value: "EUR"}}}},
		{Name: "other-calendar", Dynamic: handle("CalendarHandle", java.Field{Name: "date", Value: date()}, java.Field{Name: "type", Value: nil})},
		{Name: "other-class", Dynamic: &java.Object{Class: "java.lang.Class", Fields: []java.Field{{Name: "name", Value: "java.lang.String"}}}},
		{Name: "time-no-fields", EchoOnly: true, Typed: &Times{}},
		{Name: "time-all-fields", EchoOnly: true, Typed: allTimes()},
	}
}

func allTimes() *Times {
	return &Times{
		Date: new(date()), LocalDate: new(localDate()), LocalTime: new(localTime()), LocalDateTime: new(localDateTime()), Instant: new(instant()),
		Duration: new(90*time.Second + 5), ZonedDateTime: new(zonedDateTime()), OffsetDateTime: new(offsetDateTime()),
		OffsetTime: &java.OffsetTime{Time: java.LocalTime{Hour: 1, Minute: 2, Second: 3}}, Year: new(java.Year(2024)), YearMonth: &java.YearMonth{Year: 2024, Month: 12},
		MonthDay: &java.MonthDay{Month: 2, Day: 29}, Period: &java.Period{Years: 1, Months: -2, Days: 30}, Locale: new(java.Locale("en_US")), UUID: new(uuid()),
	}
}
