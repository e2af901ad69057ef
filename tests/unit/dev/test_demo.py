"""The demo's pure parts: what is divided, which step a decision is told by, what was paid for."""

import pytest
import yaml

from dev.demo.__main__ import MANIFEST
from dev.demo.recording import Change, Moment, Recording, clock, replica_minutes, seconds_text
from dev.demo.scale import ColdStart, explained, operator_values, scaled, scrape_seconds
from dev.demo.screen import bars
from dev.demo.workload import read_workload
from dev.traffic.measure import Measurements, Quantiles

ASKED = "Concurrency: 192 in flight / 22.4 per replica = 8.6 -> 9"


@pytest.mark.parametrize(
    ("after", "steps", "told"),
    [
        pytest.param(
            9,
            (
                ASKED,
                "largest signal: Concurrency asks for 9",
                "stabilization: up window 0 s -> 9",
                "limits: 1 to 9 -> 9",
            ),
            ASKED,
            id="the signal asked and nothing changed it",
        ),
        pytest.param(
            8,
            (ASKED, "stabilization: up window 0 s -> 9", "limits: 1 to 8 -> 8"),
            f"{ASKED}; limits: 1 to 8 -> 8",
            id="a later step set another number",
        ),
        pytest.param(
            5,
            ("Concurrency: 100 in flight -> 5", "stabilization: down window -> 8", "policies: 3 a minute -> 5"),
            "Concurrency: 100 in flight -> 5; policies: 3 a minute -> 5",
            id="the number came back: the step that brought it back set it",
        ),
        pytest.param(
            1,
            ("Concurrency: nothing to measure", "range: 0 is below minReplicas -> 1", "limits: 1 to 8 -> 1"),
            "range: 0 is below minReplicas -> 1",
            id="no signal asked",
        ),
        pytest.param(2, (), "Manual", id="no steps: the reason alone"),
    ],
)
def test_a_decision_is_told_by_the_step_that_asked_and_the_one_that_set_it(
    after: int, steps: tuple[str, ...], told: str
) -> None:
    assert Change(0.0, 7, after, "Manual", steps).sentence == told


def test_replica_minutes_are_the_area_below_serving_and_starting() -> None:
    # 2 replicas for 60 s, 1 for 30 s; the last moment has no length: 2 + 0.5
    assert replica_minutes([moment(0, 1, 1), moment(60, 1, 0), moment(90, 8, 0)]) == 2.5
    assert replica_minutes([]) == 0.0
    assert replica_minutes([moment(0, None, None), moment(60, 1, 0)]) == 0.0


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        pytest.param(7.4, "", id="1.48 s between two looks: 0.98 s late"),
        pytest.param(10.0, "up to 1.5 s late", id="2 s between two looks: 1.5 s late"),
    ],
)
def test_a_machine_that_is_too_busy_is_said_to_be_part_of_the_result(gap: float, said: str) -> None:
    nothing = Measurements().total(0.0)
    looks = (moment(0, 1, 0), moment(gap, 1, 0))
    recording = Recording("m", "a sample", 5, 22.4, 8, looks, (), nothing, "")

    assert said in recording.caveat
    assert bool(recording.caveat) == bool(said)


def test_the_quickstart_is_divided_by_the_speed_and_nothing_else_is_changed() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text())

    spec = scaled(manifest, 5, ColdStart())["spec"]

    assert spec["scaling"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 24  # 120 / 5
    assert spec["scaling"]["behavior"]["scaleUp"]["stabilizationWindowSeconds"] == 0  # 0 stays 0
    assert spec["scaling"]["backlog"]["policy"] == "Ignore"  # what it learns of the traffic is learned undivided
    assert spec["drain"]["timeoutSeconds"] == 24  # the default of 120 / 5
    assert spec["template"]["metadata"]["annotations"] == {"dev.elasticserving.io/pull-seconds": "2.400"}  # 12 / 5
    kept = {field: spec[field] for field in ("model", "accelerator")}
    assert kept == {field: manifest["spec"][field] for field in ("model", "accelerator")}
    assert spec["scaling"]["maxReplicas"] == manifest["spec"]["scaling"]["maxReplicas"]


def test_what_is_divided_is_said_with_both_numbers() -> None:
    said = "\n".join(explained(yaml.safe_load(MANIFEST.read_text()), 10, ColdStart()))

    assert "windows, drain and boot are divided by 10" in said
    assert "120 s -> 12 s" in said
    assert "provision 30, pull 12, load 45 s -> 3, 1.2, 4.5 s" in said


def test_the_operators_times_follow_the_speed_down_to_what_a_small_machine_bears() -> None:
    assert operator_values(2) == {"tickSeconds": 0.5, "staleSeconds": 15, "statusIntervalSeconds": 5}
    assert operator_values(20) == {"tickSeconds": 0.2, "staleSeconds": 5, "statusIntervalSeconds": 0.5}
    assert (scrape_seconds(5), scrape_seconds(20)) == (1.0, 0.5)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0, "00:00"), (192.4, "03:12"), (59.6, "01:00"), (-20.0, "-00:20"), (-0.2, "00:00"), (3600.0, "60:00")],
)
def test_clocks_show_minutes_and_seconds(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(None, "-"), (0.1234, "0.12 s"), (1.84, "1.8 s"), (36.4, "36 s")])
def test_what_was_not_measured_is_a_dash(seconds: float | None, shown: str) -> None:
    assert seconds_text(seconds) == shown


def test_bars_show_zero_and_only_zero_as_nothing() -> None:
    assert bars([0, 1, 50, 100]) == " ▁▄█"
    assert bars([0, 0]) == "  "
    assert bars([]) == ""


def test_the_sample_is_the_same_every_time_and_is_cut_at_the_minutes() -> None:
    whole, cut = read_workload(None, 10), read_workload(None, 2)

    assert whole[: len(cut)] == cut
    assert cut[-1].at_seconds < 120 <= whole[len(cut)].at_seconds


def moment(at: float, serving: int | None, starting: int | None) -> Moment:
    """A look of which only the replicas matter."""
    return Moment(at, 0, 0, 0.0, Quantiles(None, None), None, serving, starting)
