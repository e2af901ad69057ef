"""The golden decision log: today's code decides what it decided, and a log is enough to decide it again."""

from elastic_serving.report.lines import line
from elastic_serving.report.observation import parse
from elastic_serving.scaling.decide import decide
from tests.support.golden_scaling import LOG, SPEC, records

LINES = LOG.read_text(encoding="utf-8").splitlines()


def test_the_trace_is_decided_as_the_golden_log_says() -> None:
    """A difference is a change of behaviour: write the log anew (see golden_scaling) and read what changed."""
    assert list(records()) == LINES


def test_each_line_of_the_log_decides_the_same_from_what_it_holds() -> None:
    for text in LINES:
        found = parse(text)
        assert line(found.seen, found.memory, decide(SPEC, found.seen, found.memory, found.seen.at).decision) == text
