"""Scores as a table of Markdown, one row a policy, from their JSON: what is published is what was measured."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from elastic_serving.simulate.comparison import hours, percent, seconds_text

_COLUMNS: Final = (
    ("policy", lambda p: p["policy"]),
    ("in time", lambda p: percent(p["waitAttainment"])),
    ("TTFT and TPOT", lambda p: percent(p["tokenAttainment"])),
    ("wait p99", lambda p: seconds_text(p["waitP99Seconds"])),
    ("dropped", lambda p: f"{p['dropped']:,}"),
    ("missed minutes", lambda p: f"{p['missedMinutes']:,}"),
    ("replica-hours", lambda p: hours(p["replicaHours"])),
    ("of static", lambda p: percent(p["costToStatic"], 1)),
    ("of oracle", lambda p: percent(p["costToOracle"], 1)),
    ("above need", lambda p: hours(p["overProvisionedHours"])),
    ("below need", lambda p: hours(p["underProvisionedHours"])),
    ("scale events", lambda p: f"{p['scaleEvents']:,}"),
    ("peak", lambda p: f"{p['peakDesired']:,}"),
)


def scorecard(policies: Sequence[Mapping[str, Any]]) -> str:
    """The table; a column in which nobody has a number is left out."""
    columns = [(name, [tell(policy) for policy in policies]) for name, tell in _COLUMNS]
    kept = [(name, cells) for name, cells in columns if set(cells) != {"-"}]
    rows = [
        [name for name, _ in kept],
        ["---", *["--:"] * (len(kept) - 1)],
        *zip(*(cells for _, cells in kept), strict=True),
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
