"""Kinds of option values: lengths of time, moments, lists of names."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import click

_UNITS: Final[Mapping[str, float]] = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "": 1}
_LENGTH: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd]?)")


class Length(click.ParamType[float]):
    """Seconds above 0, or a number with a unit: 90, 90s, 10m, 6h, 2d, 100ms."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number of seconds."""
        if isinstance(value, int | float):
            return float(value)
        seconds = length_seconds(value)
        if not seconds:
            self.fail(f"{value!r} is no length of time above 0, such as 90s, 10m, 6h or 2d", param, ctx)
        return seconds


class Moment(click.ParamType["Ago | float"]):
    """A time (2026-11-20T08:00Z, a day, epoch seconds), UTC where it has no zone; or how long ago: 7d, 12h, now."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "Ago | float":
        """Epoch seconds, or how long ago."""
        if not isinstance(value, str):
            return float(value)
        if value == "now":
            return Ago(0.0)
        if value.replace(".", "", 1).isdigit() and float(value) > 10**8:
            return float(value)
        ago = length_seconds(value)
        if ago is not None:
            return Ago(ago)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time such as 2026-11-20T08:00Z, and not how long ago, such as 7d", param, ctx)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


class Ago(float):
    """Seconds before now."""


class Lengths(click.ParamType[tuple[float, ...]]):
    """Lengths of time with commas between them."""

    name = "times"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """The numbers of seconds, in their order."""
        if isinstance(value, tuple):
            return value
        return tuple(Length().convert(part.strip(), param, ctx) for part in str(value).split(","))


class Names(click.ParamType[tuple[str, ...]]):
    """Names with commas between them, each once."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:  # noqa: ARG002  # click's signature
        """The names in their order."""
        if isinstance(value, tuple):
            return value
        return tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))


def length_seconds(text: str) -> float | None:
    """Seconds of ``10m``; None where it is no length of time."""
    found = _LENGTH.fullmatch(text)
    return float(found[1]) * _UNITS[found[2]] if found else None


def length_text(seconds: float) -> str:
    """``2 d``, ``1 h 30 min``, ``57 min``, ``45 s``: the two largest units, the second only where it is not 0."""
    if seconds < 60:
        return f"{seconds:g} s"
    whole = round(seconds)
    days, hours, minutes, rest = whole // 86400, whole // 3600 % 24, whole // 60 % 60, whole % 60
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next(at for at, (number, _) in enumerate(parts) if number)
    return " ".join(f"{number} {unit}" for number, unit in parts[first : first + 2] if number)
