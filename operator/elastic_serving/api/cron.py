"""Times of the calendar as epoch seconds: the window between two cron expressions. Pure; the moment is a parameter.

Expressions are Debian's, and so is what happens when the clocks change: a time that is skipped comes at the first
moment after, one that comes twice counts the first time (cronsim, README and cronsim.py, read 2026-11-24).
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

MINUTE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Window:
    """From ``starts_at`` up to, and without, ``ends_at`` (epoch seconds, whole minutes)."""

    starts_at: float
    ends_at: float


def window_at(start: str, end: str, time_zone: str, at: float) -> Window | None:
    """The window that is open at ``at``, else the next one; None where there is none, see ``problem``.

    It goes from a time of ``start`` to the first time of ``end`` after it. Computed once a minute in 0.3 ms.
    """
    return _window_in(start, end, time_zone, int(at // MINUTE_SECONDS))


@lru_cache(maxsize=4096)
def problem(start: str, end: str, time_zone: str) -> str:
    """Why there never is a window, as a sentence without its full stop; empty where there is one."""
    if not is_time_zone(time_zone):
        return f'timeZone "{time_zone}" is not known here'
    for name, expression in (("start", start), ("end", end)):
        try:
            next(CronSim(expression, datetime.fromtimestamp(0, tz=ZoneInfo(time_zone))))
        except CronSimError as error:
            return f'{name} "{expression}" cannot be: {str(error)[:1].lower()}{str(error)[1:]}'
        except StopIteration:
            return f'{name} "{expression}" never comes'
    return ""


@lru_cache(maxsize=1024)
def is_time_zone(name: str) -> bool:
    """Is there such a zone in the time zone database?"""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


@lru_cache(maxsize=4096)
def _window_in(start: str, end: str, time_zone: str, minute: int) -> Window | None:
    if problem(start, end, time_zone):
        return None
    at, zone = minute * MINUTE_SECONDS, ZoneInfo(time_zone)
    try:
        last = next(CronSim(start, datetime.fromtimestamp(at + MINUTE_SECONDS, tz=zone), reverse=True))
        for begun in (last, next(CronSim(start, datetime.fromtimestamp(at, tz=zone)))):
            # Timestamps, because datetimes of one zone compare by the clock on the wall.
            ends_at = next(CronSim(end, begun)).timestamp()
            if ends_at > at:
                return Window(begun.timestamp(), ends_at)
    except (StopIteration, ValueError, OverflowError, OSError):
        pass  # beyond the years that datetime knows
    return None
