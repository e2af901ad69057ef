"""Records: one line each, and never more disk than was allowed."""

from pathlib import Path

import pytest

from elastic_serving.report.record import Recorder


def test_lines_are_appended_over_restarts(tmp_path: Path) -> None:
    for line in ('{"a": 1}', '{"b": "é"}'):
        recorder = Recorder(tmp_path / "records", max_bytes=1000, files=2)
        recorder.write(line)
        recorder.close()
    assert (tmp_path / "records" / "decisions.jsonl").read_text(encoding="utf-8") == '{"a": 1}\n{"b": "é"}\n'


def test_the_disk_is_never_filled_and_the_newest_lines_are_kept(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, max_bytes=100, files=3)
    for number in range(100):
        recorder.write(f"{number:019d}")
    recorder.close()
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["decisions.jsonl", "decisions.jsonl.1", "decisions.jsonl.2"]
    assert sum(file.stat().st_size for file in files) <= 300
    assert files[0].read_text().splitlines()[-1] == f"{99:019d}"


def test_a_line_break_is_refused(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, max_bytes=100, files=2)
    with pytest.raises(ValueError, match="one line of JSON"):
        recorder.write("{}\n{}")
    recorder.close()
