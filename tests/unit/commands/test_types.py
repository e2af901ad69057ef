"""Values of options: lengths of time, moments, lists."""

import click
import pytest

from elastic_serving.commands.types import Ago, Length, Lengths, Moment, Names, length_text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), ("2d", 172_800), ("100ms", 0.1)],
)
def test_a_length_has_a_unit_or_is_seconds(text: str, seconds: float) -> None:
    assert Length().convert(text, None, None) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["0", "-5", "5w", "", "1e3", "5 m", "nan"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no length of time above 0, such as 90s, 10m, 6h or 2d"):
        Length().convert(text, None, None)


def test_lists_have_commas_and_names_come_once() -> None:
    assert Lengths().convert("30s, 1m,90", None, None) == (30, 60, 90)
    assert Names().convert("ours, hpa,ours,", None, None) == ("ours", "hpa")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        # 1,763,625,600 s since the epoch is 2025-11-20 08:00 UTC.
        ("2025-11-20T08:00Z", 1_763_625_600.0),
        ("2025-11-20T08:00", 1_763_625_600.0),
        ("2025-11-20T10:00+02:00", 1_763_625_600.0),
        ("2025-11-20", 1_763_596_800.0),
        ("1763625600", 1_763_625_600.0),
    ],
)
def test_a_moment_is_a_time_in_utc_where_it_has_no_zone(text: str, moment: float) -> None:
    found = Moment().convert(text, None, None)
    assert found == moment
    assert not isinstance(found, Ago)


@pytest.mark.parametrize(("text", "ago"), [("7d", 604_800), ("90", 90), ("now", 0)])
def test_a_moment_may_be_how_long_ago(text: str, ago: float) -> None:
    found = Moment().convert(text, None, None)
    assert isinstance(found, Ago)
    assert found == ago


@pytest.mark.parametrize("text", ["yesterday", "2025-13-01", ""])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no time such as"):
        Moment().convert(text, None, None)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (45, "45 s"),
        (0.5, "0.5 s"),
        (60, "1 min"),
        (3436, "57 min 16 s"),
        (5400, "1 h 30 min"),
        (172_800, "2 d"),
        (90_061, "1 d 1 h"),
    ],
)
def test_a_length_is_told_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert length_text(seconds) == text
