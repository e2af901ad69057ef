"""``elastic-serving explain`` where no cluster can be asked: the records tell what they know, and it is said so."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from elastic_serving.cli import main
from elastic_serving.report.lines import line
from elastic_serving.report.record import Recorder
from elastic_serving.scaling.decide import decide
from tests.support.scaling import seen_of, spec_of

SPEC = spec_of({"type": "Concurrency", "target": 10})
NOBODY = "kubeconfig /nowhere gives no access to a cluster: there is no such file"


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """Passes of n/m at 0, 1 and 2 s: one replica, then 35 in flight, and again."""
    recorder, memory = Recorder(tmp_path, max_bytes=1 << 20, files=2), None
    for at, load in enumerate((3, 35, 35)):
        seen = seen_of({"Concurrency": [load]}, at=float(at))
        made = decide(SPEC, seen, memory, float(at))
        about = {"serving": "n/m", "spec": SPEC.model_dump(mode="json", by_alias=True, exclude_unset=True)}
        recorder.write(line(seen, memory, made.decision, about))
        memory = made.memory
    recorder.close()
    return tmp_path


def explain(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["explain", "--kubeconfig", "/nowhere", *arguments])


@pytest.mark.promise("U29")
def test_the_records_alone_tell_each_change_with_its_steps(records: Path) -> None:
    result = explain("m", "-n", "n", "--record", str(records))
    assert (result.exit_code, result.stderr) == (0, f"without what the cluster knows: {NOBODY}\n")
    assert result.stdout == (
        "1970-01-01T00:00:01Z  1 -> 4  Concurrency\n"
        "  Concurrency: 35 in flight / 10 per replica = 3.5 -> 4\n"
        "  largest signal: Concurrency asks for 4\n"
        "  stabilization: up window 0 s -> 4\n"
        "  limits: 1 to 100 -> 4\n"
    )


def test_a_program_gets_an_object_for_each_change(records: Path) -> None:
    result = explain("m", "-n", "n", "--record", str(records), "-o", "json")
    [change] = [json.loads(text) for text in result.stdout.splitlines()]
    assert (change["from"], change["to"], change["sources"]) == (1, 4, ["record"])


def test_nothing_known_is_an_error(records: Path) -> None:
    result = explain("other", "-n", "n", "--record", str(records))
    assert result.exit_code == 1
    assert result.stderr.endswith("Error: nothing is known of an ElasticServing n/other\n")


def test_without_records_there_is_nobody_to_ask() -> None:
    result = explain("m", "-n", "n")
    assert (result.exit_code, result.stderr) == (1, f"Error: {NOBODY}\n")


def test_a_line_that_is_no_record_is_refused(tmp_path: Path) -> None:
    (tmp_path / "decisions.jsonl").write_text("{}\n")
    result = explain("m", "-n", "n", "--record", str(tmp_path))
    assert result.exit_code == 2
    assert result.stderr.endswith(f"Error: {tmp_path}/decisions.jsonl:1: at: required, but not there\n")
