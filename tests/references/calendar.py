"""The calendar by Python's own."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta

from references.base import point


def at(time):
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(time))


def march(day):
    return date(day.year if day.month > 2 else day.year - 1, 3, 1)


def moment(name, function, arguments=""):
    point(name, f"{name}({arguments})", lambda time: function(at(time)), "time")


moment("minute_of_day", lambda t: 60 * t.hour + t.minute)
moment("cycle_day", lambda t: (t.date() - date(1968, 3, 1)).days % 1461)
moment("year_day", lambda t: (t.date() - march(t)).days)
moment("march_month", lambda t: (t.month - 3) % 12)
moment("month", lambda t: t.month)
moment("day_of_month", lambda t: t.day)
moment("days_in_month", lambda t: monthrange(t.year, t.month)[1])
moment("days_to_month_end", lambda t: monthrange(t.year, t.month)[1] - t.day)
moment("within_hours", lambda t: 13.5 <= t.hour + t.minute / 60 < 20, "13.5, 20")
