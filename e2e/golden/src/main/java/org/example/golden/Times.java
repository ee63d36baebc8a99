package org.example.golden;

import java.io.Serializable;
import java.time.*;
import java.util.Date;
import java.util.Locale;
import java.util.UUID;

/** A field of each type that hessian-lite writes through a handle or in its own way. */
public class Times implements Serializable {
    public Date date;
    public LocalDate localDate;
    public LocalTime localTime;
    public LocalDateTime localDateTime;
    public Instant instant;
    public Duration duration;
    public ZonedDateTime zonedDateTime;
    public OffsetDateTime offsetDateTime;
    public OffsetTime offsetTime;
    public Year year;
    public YearMonth yearMonth;
    public MonthDay monthDay;
    public Period period;
    public Locale locale;
    public UUID uuid;
}
