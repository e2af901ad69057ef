"""The operator's records as files: a directory stands for all that the operator keeps there, oldest first."""

from collections.abc import Iterator
from pathlib import Path

from elastic_serving.commands.refusal import Refused
from elastic_serving.report.observation import Recorded, parse
from elastic_serving.report.record import FILE_NAME


def files_of(paths: tuple[Path, ...]) -> list[Path]:
    """The files themselves, and for a directory ``decisions.jsonl.2``, ``decisions.jsonl.1``, ``decisions.jsonl``."""
    found: list[Path] = []
    for path in paths:
        found += sorted(path.glob(f"{FILE_NAME}*"), key=_age, reverse=True) if path.is_dir() else [path]
    return found


def records_in(path: Path) -> Iterator[tuple[int, Recorded]]:
    """Each record with its line (from 1); blank lines are passed over. Raises Refused, ``<file>:<line>: ...``.

    A last line without an end that cannot be read is still being written: it is no record yet.
    """
    with path.open("rb") as file:
        for number, text in enumerate(file, start=1):
            if not text.strip():
                continue
            try:
                yield number, parse(text)
            except ValueError as error:
                if not text.endswith(b"\n"):
                    return
                raise Refused(f"{path}:{number}: {error}") from error


def _age(path: Path) -> int:
    number = path.name.removeprefix(f"{FILE_NAME}.")
    return int(number) if number.isdecimal() else 0
