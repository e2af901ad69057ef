"""Hours for which a user knows better than the signals how many replicas there must be: windows with a floor."""

from typing import Annotated, ClassVar, Final

from pydantic import Field

from elastic_serving.api.base import MAX_REPLICAS, Exact, Model, Whole
from elastic_serving.api.cron import Window, is_time_zone, problem, window_at
from elastic_serving.api.rules import Rule, Value, shaped, value

_NAME: Final = "[A-Za-z]([-A-Za-z0-9]*[A-Za-z0-9])?"
_ZONE: Final = "[A-Za-z][-A-Za-z0-9_+/]*"


def _field(number: str) -> str:
    """One field of cron: numbers, ranges and steps, with commas between them."""
    item = f"([*](/[1-9][0-9]?)?|{number}(-{number}(/[1-9][0-9]?)?)?)"
    return f"{item}(,{item})*"


_MONTHS: Final = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
_DAYS: Final = "SUN|MON|TUE|WED|THU|FRI|SAT"
_CRON: Final = " ".join(
    _field(f"({number})")
    for number in (
        "[0-5]?[0-9]",
        "[01]?[0-9]|2[0-3]",
        "0?[1-9]|[12][0-9]|3[01]",
        f"0?[1-9]|1[0-2]|{_MONTHS}",
        f"[0-7]|{_DAYS}",
    )
)
_FIVE_FIELDS: Final = "must be cron's five fields minute, hour, day, month and weekday, such as 0 8 * * MON-FRI"


class Schedule(Model):
    """A window of time with a floor of its own."""

    rules: ClassVar[tuple[Rule, ...]] = (
        shaped("name", _NAME, 'name "%s" must be letters, digits and -, and begin with a letter'),
        shaped("start", _CRON, f'start "%s" {_FIVE_FIELDS}'),
        shaped("end", _CRON, f'end "%s" {_FIVE_FIELDS}'),
        Rule(
            # Without a name of the database getHours() is an error, and the API server puts it before the sentence.
            cel=f"self.timeZone.matches('^{_ZONE}$') && timestamp('2026-01-01T00:00:00Z').getHours(self.timeZone) >= 0",
            holds=lambda schedule: is_time_zone(schedule.time_zone),
            sentence="timeZone must be a name of the IANA database, such as Europe/Berlin or UTC",
            path=".timeZone",
        ),
    )

    name: Annotated[str, Field(min_length=1, max_length=40)]
    """Name of the schedule in decisions and status, unique in the list."""
    start: Annotated[str, Field(min_length=9, max_length=100)]
    """When the window opens, as cron writes it: minute, hour, day of month, month, day of week. 0 8 * * MON-FRI is
    08:00 on working days."""
    end: Annotated[str, Field(min_length=9, max_length=100)]
    """When it closes again: the first such time after start, also across midnight."""
    time_zone: Annotated[str, Field(min_length=1, max_length=64)] = "UTC"
    """Time zone of start and end, summer time included, by its name in the IANA database. Default UTC: the cluster's
    own clock."""
    min_replicas: Annotated[Exact, Field(ge=1, le=MAX_REPLICAS)]
    """Fewest replicas within the window. It raises scaling.minReplicas and never lowers it; the signals may ask for
    more."""
    ramp_seconds: Annotated[Whole, Field(ge=0, le=86_400)] = 0
    """Seconds before start in which the floor rises to minReplicas, one replica after the other at equal distances.
    Default 0: all at start. To have them ready by then, let start lie one cold start earlier."""

    def window(self, at: float) -> Window | None:
        """The window that is open at ``at`` (epoch seconds), else the next one."""
        return window_at(self.start, self.end, self.time_zone, at)

    @property
    def problem(self) -> str:
        """Why this schedule never opens, or empty: what only the calendar knows, the API server lets pass."""
        return problem(self.start, self.end, self.time_zone)


Schedules = Annotated[tuple[Schedule, ...], Field(max_length=8)]

SCHEDULE_RULES: Final = (
    Rule(
        cel="!has(self.schedules) || self.schedules.all(s, s.minReplicas <= self.maxReplicas)",
        holds=lambda scaling: all(s.min_replicas <= scaling.max_replicas for s in scaling.schedules),
        sentence="no schedule may ask for more than maxReplicas %s",
        values=(value("maxReplicas"),),
        path=".schedules",
    ),
    Rule(
        cel="!has(self.schedules) || self.schedules.all(a, self.schedules.exists_one(b, a.name == b.name))",
        holds=lambda scaling: len({s.name for s in scaling.schedules}) == len(scaling.schedules),
        sentence="schedules need different names: %s",
        values=(Value("self.schedules.map(s, s.name)", lambda scaling: [s.name for s in scaling.schedules]),),
        path=".schedules",
    ),
)
"""Rules of Scaling that its schedules bring along."""
