"""``elastic-serving replay``: exit code 0 where all is the same, 1 with the first difference, 2 for no records."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from elastic_serving.cli import main
from elastic_serving.report.lines import line
from elastic_serving.report.record import Recorder
from elastic_serving.scaling.decide import decide
from tests.support.scaling import seen_of, spec_of

SPEC = spec_of({"type": "Concurrency", "target": 10})
ABOUT = {"serving": "n/m", "spec": SPEC.model_dump(mode="json", by_alias=True, exclude_unset=True)}


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """What the operator leaves of 100 passes: rotated files."""
    recorder, memory = Recorder(tmp_path, max_bytes=30_000, files=10), None
    for at in range(100):
        seen = seen_of({"Concurrency": [at % 40]}, at=float(at))
        made = decide(SPEC, seen, memory, float(at))
        recorder.write(line(seen, memory, made.decision, ABOUT))
        memory = made.memory
    recorder.close()
    assert len([*tmp_path.iterdir()]) > 2
    return tmp_path


def forge(path: Path, number: int) -> None:
    """Let the record on line ``number`` have decided 99."""
    texts = path.read_text().splitlines()
    record = json.loads(texts[number - 1])
    record["decision"]["to"] = 99
    texts[number - 1] = json.dumps(record)
    path.write_text("\n".join(texts) + "\n")


@pytest.mark.promise("F10")
def test_records_of_this_code_decide_the_same(records: Path) -> None:
    result = CliRunner().invoke(main, ["replay", str(records)])
    assert (result.exit_code, result.output) == (0, "all 100 records decide the same\n")


@pytest.mark.promise("F10")
def test_the_first_difference_is_shown_and_all_are_counted(records: Path) -> None:
    oldest, newest = records / "decisions.jsonl.2", records / "decisions.jsonl"
    forge(oldest, 7)
    forge(newest, 1)
    result = CliRunner().invoke(main, ["replay", str(records)])
    assert result.exit_code == 1
    head, difference, *_, count = result.stdout.splitlines()
    assert head.startswith(f"{oldest}:7: n/m at 1970-01-01T00:")
    assert head.endswith(" is decided otherwise")
    assert difference.startswith("  to: 99 then, ")
    assert count == "2 of 100 records are decided otherwise"


def test_a_program_reads_what_differs(records: Path) -> None:
    newest = records / "decisions.jsonl"
    forge(newest, 1)
    at, number = (json.loads(newest.read_text().splitlines()[0])[part] for part in ("at", "decision"))
    result = CliRunner().invoke(main, ["replay", str(newest), "-o", "json"])
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert found["different"] == 1
    assert {**found["first"], "differences": ...} == {
        "place": f"{newest}:1", "serving": "n/m", "at": at, "differences": ...
    }  # fmt: skip
    [difference] = found["first"]["differences"]
    assert (difference["path"], difference["then"]) == ("to", 99)
    assert difference["now"] == number["steps"][-1]["out"]


def test_a_line_that_is_no_record_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "obs.jsonl"
    path.write_text('{"at": 1, "replicas": {"current": 1, "ready": 1, "starting": 0}, "signals": {}}\n')
    result = CliRunner().invoke(main, ["replay", str(path)])
    assert result.exit_code == 2
    assert result.stderr == f"Error: {path}:1: decision: required, but not there: only a record has one\n"


def test_a_last_line_that_is_still_being_written_is_no_record_yet(records: Path) -> None:
    newest = records / "decisions.jsonl"
    half = newest.read_text().splitlines()[0][:100]
    with newest.open("a") as file:
        file.write(half)
    assert CliRunner().invoke(main, ["replay", str(records)]).output == "all 100 records decide the same\n"
    with newest.open("a") as file:
        file.write("\n")
    assert CliRunner().invoke(main, ["replay", str(records)]).exit_code == 2


def test_a_directory_without_records_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["replay", str(tmp_path)])
    assert (result.exit_code, result.stderr) == (2, f"Error: no records in {tmp_path}\n")
