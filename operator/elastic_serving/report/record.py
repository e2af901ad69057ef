"""Records (what was seen and decided), one line of JSON each, in files that never fill the disk."""

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

FILE_NAME: Final = "decisions.jsonl"


class Recorder:
    """Appends to ``decisions.jsonl`` in ``directory``, which at ``max_bytes`` becomes ``decisions.jsonl.1`` and so on.

    At most ``files`` of them exist, the present one included, so the most disk taken is ``max_bytes x files``. A full
    or vanished disk stops the recording, not the operator: the standard library's handler prints the error and goes on.
    """

    def __init__(self, directory: Path, *, max_bytes: int, files: int) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        backups = max(1, files - 1)
        self._handler = RotatingFileHandler(
            directory / FILE_NAME, maxBytes=max_bytes, backupCount=backups, encoding="utf-8"
        )

    def write(self, line: str) -> None:
        """Append ``line``. Raises ValueError if it has a line break: then it is not one record."""
        if "\n" in line:
            raise ValueError("a record is one line of JSON; this one has a line break")
        self._handler.emit(logging.makeLogRecord({"msg": line}))

    def close(self) -> None:
        """Close the file; a later write opens it again."""
        self._handler.close()
