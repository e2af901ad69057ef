"""What was decided, looked up afterwards: explain, replay and decide, over what a running operator leaves."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dev.cluster.handle import Cluster
from dev.install import Installed
from tests.support.operator import running
from tests.support.servings import DOWN_AT_ONCE, Servings

STALE_SECONDS = "10"


async def elastic_serving(*arguments: str) -> str:
    """What the command prints; AssertionError with its errors where its exit code is not 0."""
    command = [sys.executable, "-m", "elastic_serving", *arguments]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{' '.join(arguments)}: {done.stderr}"
    return done.stdout


def rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def changes(decisions: Sequence[dict[str, Any]]) -> list[tuple[int, int, str]]:
    return [(each["from"], each["to"], each["reason"]) for each in decisions if each["from"] != each["to"]]


@pytest.mark.promise("U29")
async def test_explain_tells_each_change_once_from_status_and_events(cluster: Cluster, llama: Servings) -> None:
    llama.apply()
    await llama.serving(1)
    llama.load(running=32, waiting=35)  # 67 / 22.4 = 2.99
    await llama.serving(3)
    await llama.rested(3)
    asked = ["explain", llama.name, "-n", llama.namespace, "--kubeconfig", str(cluster.kubeconfig)]
    told = await elastic_serving(*asked)
    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    assert re.fullmatch(
        rf"{time}  0 -> 1\n"
        r"  MinReplicas: range, 0 is below minReplicas -> 1\n"
        rf"{time}  1 -> 3  Concurrency\n"
        r"  Concurrency 67 is above 22\.4 per replica\n"
        r"  Concurrency: 67 in flight / 22\.4 per replica = 3 -> 3\n"
        r"(?:  .+\n)+"
        r"  limits: 1 to 8 -> 3\n"
        r"3 of 3 replicas serve\.\n",
        told,
    ), told
    assert [each["sources"] for each in rows(await elastic_serving(*asked, "-o", "json"))] == [
        ["event"],
        ["status", "event"],
    ]


@pytest.mark.promise("F10")
@pytest.mark.promise("U29")
async def test_the_records_of_a_run_replay_exactly_and_explain_all_of_it(
    cluster: Cluster, release: Installed, servings: Servings, tmp_path: Path
) -> None:
    records, name = tmp_path / "records", f"{servings.namespace}/{servings.name}"
    settings = {"record_directory": str(records), "stale_seconds": STALE_SECONDS}
    with running(release, tmp_path, settings=settings) as operator:
        servings.apply(DOWN_AT_ONCE)
        await servings.serving(1)
        servings.load(running=32, waiting=35)
        await servings.serving(3)
        servings.load(running=3)
        await servings.serving(1)
        operator.stop()
    recorded = rows((records / "decisions.jsonl").read_text(encoding="utf-8"))
    decisions = [record["decision"] for record in recorded]
    assert [(before, after) for before, after, _ in changes(decisions)] == [(0, 1), (1, 3), (3, 1)]
    assert await elastic_serving("replay", str(records)) == f"all {len(recorded)} records decide the same\n"
    # The same in one go: of the memories in the records only the first is looked at.
    again = await elastic_serving(
        "decide", "--observations", str(records / "decisions.jsonl"), "--serving", name,
        "--stale-seconds", STALE_SECONDS, "-o", "json",
    )  # fmt: skip
    assert rows(again) == decisions
    explained = await elastic_serving(
        "explain", servings.name, "-n", servings.namespace, "--kubeconfig", str(cluster.kubeconfig),
        "--record", str(records), "-o", "json",
    )  # fmt: skip
    assert changes(rows(explained)) == changes(decisions)
    assert [each["sources"] for each in rows(explained)] == [
        ["record", "event"],
        ["record", "event"],
        ["record", "status", "event"],
    ]
    assert all(each["steps"] for each in rows(explained))
