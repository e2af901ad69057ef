"""What an operator recorded, read while it may be writing."""

import json
from pathlib import Path
from typing import Any

from elastic_serving.report.record import FILE_NAME


def lines_in(directory: Path) -> list[str]:
    """The whole lines of every file of records; the last one of a file may still be on its way."""
    written = [path.read_text().rpartition("\n")[0] for path in sorted(directory.glob(f"{FILE_NAME}*"))]
    return [line for text in written for line in text.splitlines()]


def records_in(directory: Path) -> list[dict[str, Any]]:
    """The same, read as JSON."""
    return [json.loads(line) for line in lines_in(directory)]
