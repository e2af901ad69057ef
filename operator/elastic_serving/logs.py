"""Structured logs: one line per event, as JSON or for people; what libraries log takes the same way."""

import logging
import sys
from typing import Literal

import structlog

LIBRARIES = ("kopf", "kubernetes", "aiohttp", "urllib3", "asyncio")
"""They speak at warning and above: their own account of each watch is noise at 3 a.m."""


def configure(log_format: Literal["json", "console"], level: str) -> None:
    """Set up structlog and the standard library's logging once, both to stderr, with UTC times."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if log_format == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    tail: list[structlog.typing.Processor] = [structlog.processors.format_exc_info] if log_format == "json" else []
    severity = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *tail, last],
        wrapper_class=structlog.make_filtering_bound_logger(severity),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *tail, last],
        )
    )
    logging.basicConfig(handlers=[handler], level=severity, force=True)
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(max(severity, logging.WARNING))
