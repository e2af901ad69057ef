"""``make demo`` as its user sees it: it ends well, shows a way up and a way down, and leaves nothing running."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev.cluster.process import Identity
from dev.cluster.waiting import wait_until
from dev.install import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(280)]

ENDS_WITHIN_SECONDS = 240
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a demo whose cluster lives below ``tmp_path``; whatever the test left of it is ended."""
    started: list[subprocess.Popen[str]] = []

    def demo(*arguments: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
        process = subprocess.Popen(
            [sys.executable, "-m", "dev.demo", *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield demo
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    for left in _left(tmp_path):
        os.kill(left, signal.SIGKILL)


def test_a_short_demo_scales_up_and_back_writes_its_page_and_leaves_nothing(start: Start, tmp_path: Path) -> None:
    page = tmp_path / "pages" / "demo.html"

    demo = start("--minutes", "2", "--speed", "10", "--plain", "--out", str(page))
    printed, _ = demo.communicate(timeout=ENDS_WITHIN_SECONDS)

    assert demo.returncode == 0, printed
    assert "windows, drain and boot are divided by 10" in printed
    changes = [(int(b), int(a)) for b, a in re.findall(r"^-?\d\d:\d\d  (\d+) -> (\d+)", printed, re.MULTILINE)]
    assert changes[0] == (0, 1), printed
    assert any(after > before >= 1 for before, after in changes), printed
    assert changes[-1][1] == 1 < changes[-1][0], printed
    assert "Kind:         ElasticServing" in printed
    html = page.read_text()
    assert str(page) in printed
    assert all(f"<td>{before} -&gt; {after}</td>" in html for before, after in changes)
    assert "in flight / 22.4 per replica" in html
    assert "src=" not in re.sub(r"<script[^>]*>.*?</script>", "", html, flags=re.DOTALL), "it needs the network"
    assert _left(tmp_path) == {}


def test_ctrl_c_ends_everything(start: Start, tmp_path: Path) -> None:
    demo = start("--plain")
    assert demo.stdout is not None
    for line in demo.stdout:
        if "the first replica starts" in line:
            break
    running = " ".join(_left(tmp_path).values())
    parts = ("etcd", "kube-apiserver", "kube-scheduler", "kwok", "prometheus", "elastic_serving run", "dev.engines")
    assert [part for part in parts if part not in running] == []

    os.killpg(demo.pid, signal.SIGINT)  # as a terminal does: to the whole foreground group
    printed = demo.stdout.read()

    assert demo.wait(ENDS_WITHIN_SECONDS) == 1, printed
    assert "Traceback" not in printed
    assert wait_until(lambda: _left(tmp_path) == {}, timeout_seconds=5), _left(tmp_path)


def test_a_trace_that_is_none_is_refused_before_anything_starts(start: Start, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("when,what\n1,2\n")

    demo = start("--trace", str(wrong))
    printed, _ = demo.communicate(timeout=60)

    assert demo.returncode == 2
    assert 'the header is "when,what"; it must be' in printed
    assert not (tmp_path / "state").exists()


def _left(directory: Path) -> dict[int, str]:
    """Command lines by pid of living processes of the demo whose cluster is below ``directory``.

    Each names it: the components and the engines in their arguments, the operator and whatever inherits the demo's
    environment there.
    """
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            command = (entry / "cmdline").read_text().replace("\0", " ")
            environment = (entry / "environ").read_text()
        except OSError:
            continue  # it ended meanwhile, or is a kernel's
        alive = Identity.of(int(entry.name)) is not None
        if alive and str(directory) in environment + command:
            found[int(entry.name)] = command
    return found
