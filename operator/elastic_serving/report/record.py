"""Lines of records (what was seen and decided) in a file that never fills the disk."""

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

MEBIBYTE: Final = 1 << 20


class RecordWriter:
    """Appends one line a record to ``path``; at ``max_bytes`` the file becomes ``path.1`` and so on up to ``backups``.

    The most disk it takes is ``max_bytes x (backups + 1)``. A full or vanished disk stops the recording, not the
    operator: the standard library's handler prints the error and goes on.
    """

    def __init__(self, path: Path, *, max_bytes: int = 64 * MEBIBYTE, backups: int = 4) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._handler = RotatingFileHandler(path, maxBytes=max_bytes, backupCount=backups, encoding="utf-8")

    def write(self, line: str) -> None:
        """Append ``line``, which must not contain a line break."""
        if "\n" in line:
            raise ValueError("a record is one line of JSON; this one has a line break")
        self._handler.emit(logging.makeLogRecord({"msg": line}))

    def close(self) -> None:
        """Close the file; later writes open it again."""
        self._handler.close()
