"""Times as people and programs read them: RFC 3339 in UTC, to the second; annotations in epoch seconds. Pure."""

import math
from datetime import UTC, datetime


def timestamp(at: float) -> str:
    """``2026-11-22T04:51:30Z`` for epoch seconds; fractions are cut off, so that a time never lies ahead."""
    return _utc(at).strftime("%Y-%m-%dT%H:%M:%SZ")


def clock(at: float, now: float) -> str:
    """``04:51:30`` where that was today (UTC), else with its date: ``2026-11-21 04:51:30``."""
    moment = _utc(at)
    return moment.strftime("%H:%M:%S" if moment.date() == _utc(now).date() else "%Y-%m-%d %H:%M:%S")


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(int(at // 1), tz=UTC)


def epoch(timestamp: str) -> float:
    """Epoch seconds of a ``timestamp``; raises ValueError for anything else."""
    return datetime.fromisoformat(timestamp).timestamp()


def noted(annotation: object) -> float | None:
    """Epoch seconds that an annotation of ours holds (``1795341000.250``); None where it is absent or holds no time."""
    try:
        at = float(annotation) if isinstance(annotation, str) else math.nan
    except ValueError:
        return None
    return at if math.isfinite(at) else None
