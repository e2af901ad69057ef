"""``elastic-serving decide``: a decision for each line, memory from line to line, mistakes with file and line."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from elastic_serving.cli import main
from tests.support.manifests import manifest

START = 1_790_000_000


def observation(seconds: float, in_flight: object, **parts: Any) -> dict[str, Any]:
    counts = {"current": 1, "ready": 1, "starting": 0}
    return {"at": START + seconds, "replicas": counts, "signals": {"Concurrency": in_flight}} | parts


ROWS = [observation(0, 67), observation(15, 10), observation(314, 10), observation(315, 10)]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A manifest and four observations: 67 in flight, then 10 until the down window of 300 s is over."""
    (tmp_path / "m.yaml").write_text(json.dumps(manifest(name="m")))
    (tmp_path / "obs.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))
    return tmp_path


def run(home: Path, *arguments: str, stdin: str | None = None) -> Result:
    """The command; a name of a file in ``home`` becomes its path."""
    paths = [str(home / each) if (home / each).is_file() or each.endswith(".json") else each for each in arguments]
    return CliRunner().invoke(main, ["decide", *paths], input=stdin)


def decided(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return [json.loads(text) for text in result.stdout.splitlines()]


def numbers(result: Result) -> list[tuple[int, int]]:
    return [(each["from"], each["to"]) for each in decided(result)]


def test_a_line_is_a_decision_with_its_steps(home: Path) -> None:
    result = run(home, "-f", "m.yaml", "--observations", "obs.jsonl")
    assert result.stdout.startswith(
        "2026-09-21T14:13:20Z  1 -> 3  Concurrency\n"
        "  Concurrency: 67 in flight / 22.4 per replica = 3 -> 3\n"
        "  largest signal: Concurrency asks for 3\n"
        "  stabilization: up window 0 s -> 3\n"
        "  limits: 1 to 8 -> 3\n"
        "2026-09-21T14:13:35Z  3 -> 3  StabilizationWindow\n"
    )


def test_memory_goes_from_line_to_line(home: Path) -> None:
    """67 / 22.4 = 2.99 -> 3 is asked for at 0 and leaves the window at 300."""
    result = run(home, "-f", "m.yaml", "--observations", "obs.jsonl", "-o", "json")
    assert numbers(result) == [(1, 3), (3, 3), (3, 1), (1, 1)]
    first = decided(result)[0]
    assert first["steps"][0] == {
        "stage": "Concurrency",
        "in": 1,
        "out": 3,
        "reason": "67 in flight / 22.4 per replica = 3 -> 3",
    }
    assert [*first] == ["at", "from", "to", "recommendation", "signal", "reason", "steps"]


def test_memory_goes_from_run_to_run(home: Path) -> None:
    whole = numbers(run(home, "-f", "m.yaml", "--observations", "obs.jsonl", "-o", "json"))
    parts = []
    for number, row in enumerate(ROWS):
        before = ["--memory", "memory.json"] if number else []
        result = run(
            home, "-f", "m.yaml", "--observations", "-", "-o", "json", *before, "--memory-out", "memory.json",
            stdin=json.dumps(row),
        )  # fmt: skip
        parts += numbers(result)
    assert parts == whole


def test_a_memory_that_cannot_be_written_is_one_sentence(home: Path) -> None:
    result = run(home, "-f", "m.yaml", "--observations", "obs.jsonl", "--memory-out", str(home / "no" / "where.json"))
    assert result.exit_code == 1
    assert result.stderr == f"Error: {home}/no/where.json cannot be written: No such file or directory\n"


def test_the_state_of_a_serving_memory_is_a_memory(home: Path) -> None:
    state = {"version": 1, "memory": {"at": START - 1, "desired": 7, "highs": [[START - 1, 7]]}, "failures": []}
    (home / "memory.json").write_text(json.dumps(state))
    result = run(home, "-f", "m.yaml", "--observations", "obs.jsonl", "--memory", "memory.json", "-o", "json")
    assert numbers(result)[0] == (7, 7)


def test_blank_lines_are_passed_over_and_counted(home: Path) -> None:
    result = run(home, "-f", "m.yaml", "--observations", "-", stdin=f"\n{json.dumps(ROWS[0])}\n\n[]\n")
    assert "1 -> 3" in result.stdout
    assert result.stderr == "Error: <stdin>:4: the line: []: input should be an object\n"
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [pytest.param([], "MetricsMissing", id="30 s"), pytest.param(["--stale-seconds", "31"], "MinReplicas", id="31 s")],
)
def test_a_sample_that_is_too_old_is_missing(home: Path, arguments: list[str], reason: str) -> None:
    row = observation(31, {"value": 0, "sampledAt": START})
    result = run(home, "-f", "m.yaml", "--observations", "-", "-o", "json", *arguments, stdin=json.dumps(row))
    assert [each["reason"] for each in decided(result)] == [reason]


RECORD = {"spec": manifest(name="m")["spec"], "decision": {}, "memory": None}


@pytest.mark.promise("F10")
def test_records_bring_their_spec_and_their_first_memory(home: Path) -> None:
    memory = {"at": START - 1, "desired": 5, "highs": [[START - 1, 5]]}
    rows = [row | RECORD | {"serving": "n/m"} for row in ROWS]
    rows[0]["memory"] = memory
    text = "".join(f"{json.dumps(row)}\n" for row in rows)
    assert numbers(run(home, "--observations", "-", "-o", "json", stdin=text))[0] == (5, 5)


def test_records_of_two_servings_do_not_share_a_memory(home: Path) -> None:
    rows = [row | RECORD | {"serving": f"n/{name}"} for row in ROWS for name in ("a", "b")]
    text = "".join(f"{json.dumps(row)}\n" for row in rows)
    refused = run(home, "--observations", "-", stdin=text)
    assert refused.exit_code == 2
    assert refused.stderr == (
        'Error: <stdin>:2: serving: "n/b", but the lines before are of "n/a": choose one with --serving\n'
    )
    chosen = run(home, "--observations", "-", "--serving", "n/b", "-o", "json", stdin=text)
    assert numbers(chosen) == [(1, 3), (3, 3), (3, 1), (1, 1)]
    nobody = run(home, "--observations", "-", "--serving", "n/c", stdin=text)
    assert (nobody.exit_code, nobody.stderr) == (2, 'Error: <stdin>: no record of "n/c"\n')


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        pytest.param(
            ["-f", "m.yaml", "--observations", "-"],
            json.dumps(observation(0, {"value": "x"})),
            "<stdin>:1: signals.Concurrency.value: 'x': input should be a valid number",
            id="observation",
        ),
        pytest.param(
            ["--observations", "-"],
            json.dumps(ROWS[0]),
            "<stdin>:1: spec: required, but not there: name a manifest with -f, or decide on records",
            id="no manifest",
        ),
        pytest.param(
            ["-f", "-", "--observations", "obs.jsonl"],
            json.dumps(manifest({"scaling": {"maxReplicas": 0}}, name="m")),
            "<stdin>:1: spec.scaling.maxReplicas: 0: input should be greater than or equal to 1",
            id="manifest",
        ),
        pytest.param(
            ["-f", "m.yaml", "--observations", "obs.jsonl", "--memory", "-"],
            '{"at": 1}',
            "<stdin>: memory.desired: Field required",
            id="memory",
        ),
        pytest.param(
            ["-f", "m.yaml", "--observations", "obs.jsonl", "--memory", "-"],
            "[]",
            "<stdin>: a memory is a JSON object",
            id="memory that is a list",
        ),
    ],
)
def test_what_is_malformed_is_refused_with_file_line_and_reason(
    home: Path, arguments: list[str], stdin: str, said: str
) -> None:
    result = run(home, *arguments, stdin=stdin)
    assert (result.exit_code, result.stderr) == (2, f"Error: {said}\n")
