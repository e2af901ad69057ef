"""Random faults with a fixed seed on a local cluster, and what must hold after each: ``python -m benchmarks.soak``.

Ten servings follow their loads while engines, pods, nodes, the operator, the API server and Prometheus fail and specs
change. After each fault everything must come to rest: pods = desired x hosts, desired = what the load needs, every pod
with a living owner, memory that parses; on the way there never two live pods of one place. At the end every recorded
decision is computed anew. What is violated is printed, and the exit code is 1.

    python -m benchmarks.soak --minutes 30 --seed 1 --servings 10
"""

import random
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from benchmarks.soak_faults import FAULTS, NODE_GPUS, Chance
from benchmarks.soak_invariants import always, at_rest, replayed, unknown_reasons
from benchmarks.soak_world import MOST, NAMESPACE, Wish, World
from dev.cluster.errors import ClusterError
from dev.cluster.local import LocalCluster
from dev.cluster.nodes import gpu_node
from dev.controlplane.build import find_tools
from dev.engines.launch import EngineFleet, FleetFailed
from dev.install import install
from elastic_serving.api import labels
from elastic_serving.report.record import FILE_NAME
from tests.support.operator import Operator

SETTLE_SECONDS: Final = 120.0
"""From the end of a fault to rest. The longest is a deleted node: the pod garbage collector takes its pods after
40 s and at its next round, 57 to 82 s were seen; a third failure of a replica waits 20 s."""
REST_SECONDS: Final = 2.0
"""Two ticks and two scrapes: rest that lasts so long has seen the fault."""
LOOK_SECONDS: Final = 0.5
LOAD_SECONDS: Final = 1.0
"""Boot of an engine."""
ASLEEP_EVERY: Final = 5
"""One serving in so many may go to zero."""
RECORD_BYTES: Final = 1 << 30
"""One file for all: a rotated one would not be replayed."""


@dataclass(slots=True)
class Tally:
    """What is printed at the end."""

    recoveries: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    looks: int = 0


def settle(world: World, tally: Tally, fault: str) -> float | None:
    """Seconds until the world came to the rest it then kept; None, and violations, where it did not."""
    began = time.monotonic()
    rest_since: float | None = None
    unrest: list[str] = []
    while (now := time.monotonic()) - began < SETTLE_SECONDS:
        try:
            picture = world.look()
        except ClusterError as error:
            unrest, rest_since = [str(error)], None
        else:
            tally.looks += 1
            note(world, fault, always(picture))
            unrest = at_rest(picture, world.wanted)
            rest_since = None if unrest else (rest_since or now)
        if rest_since is not None and now - rest_since >= REST_SECONDS:
            return rest_since - began
        time.sleep(LOOK_SECONDS)
    note(world, fault, [f"not at rest after {SETTLE_SECONDS:g} s: {words}" for words in unrest])
    return None


def note(world: World, fault: str, violations: list[str]) -> None:
    """Remember each violation once."""
    new = [f"{fault}: {words}" for words in violations]
    world.violations += [words for words in dict.fromkeys(new) if words not in world.violations]


def play(world: World, minutes: float, seed: int, tally: Tally) -> None:
    """Every fault in a random order, again and again, until the time is over."""
    chance, began, rounds = Chance(random.Random(seed)), time.monotonic(), 0
    bag: list[str] = []
    while time.monotonic() - began < minutes * 60:
        bag = bag or chance.dice.sample(sorted(FAULTS), len(FAULTS))
        fault, known, rounds = bag.pop(), len(world.violations), rounds + 1
        world.api_was_away = False
        words = harm(world, chance, fault)
        seconds = settle(world, tally, fault)
        at = time.monotonic() - began
        came = "NOT AT REST" if seconds is None else f"at rest after {seconds:5.1f} s"
        click.echo(f"{at // 60:02.0f}:{at % 60:02.0f}  {rounds:3}  {fault:<20} {came}  {words}")
        if seconds is not None:
            tally.recoveries[fault].append(seconds)
        for violation in world.violations[known:]:
            click.echo(f"       VIOLATION  {violation}")


def harm(world: World, chance: Chance, fault: str) -> str:
    """Make the fault and say what it met; that it could not be made, or undone, is a violation."""
    try:
        return FAULTS[fault](world, chance)
    except (ClusterError, FleetFailed, AssertionError) as error:
        note(world, fault, [str(error)])
        return "could not be made"


def end(world: World, tally: Tally, records: Path) -> int:
    """Delete everything, stop the operator, replay the records; returns how many there were."""
    note(world, "events", unknown_reasons(world.events()))
    world.kubectl("delete", labels.PLURAL, "--all")
    world.wishes = {}
    settle(world, tally, "all servings deleted")
    if world.look().pods or world.look().memories:
        note(world, "all servings deleted", ["pods or memories are left"])
    if (code := world.operator.stop()) != 0:
        note(world, "SIGTERM", [f"the operator ended with code {code}"])
    lines = (records / FILE_NAME).read_text(encoding="utf-8").splitlines()
    note(world, "replay", list(replayed(lines))[:20])
    return len(lines)


def print_result(world: World, tally: Tally, decisions: int) -> None:
    """The table of docs/benchmarks.md, what was noticed, and the violations."""
    table = Table("fault", "times", "rest after p50, s", "max, s")
    for fault, seconds in sorted(tally.recoveries.items()):
        table.add_row(fault, str(len(seconds)), f"{statistics.median(seconds):.1f}", f"{max(seconds):.1f}")
    everything = [second for seconds in tally.recoveries.values() for second in seconds]
    if everything:
        numbers = f"{statistics.median(everything):.1f}", f"{max(everything):.1f}"
        table.add_row("all", str(len(everything)), *numbers)
    Console().print(table)
    click.echo(f"{tally.looks} looks, {decisions} decisions computed anew, {len(world.violations)} violations")
    for words in dict.fromkeys(world.notes):
        click.echo(f"noticed {world.notes.count(words)} times: {words}")
    for words in world.violations:
        click.echo(f"VIOLATION {words}")


@contextmanager
def a_world(home: Path, servings: int) -> Iterator[World]:
    """A cluster with the chart, its operator and engines; nothing runs afterwards."""
    wishes = [Wish(f"s{i:02}", asleep := i % ASLEEP_EVERY == ASLEEP_EVERY - 1, least=0 if asleep else 1)
              for i in range(servings)]  # fmt: skip
    nodes = [f"node-{index}" for index in range((servings * (MOST + 1)) // NODE_GPUS + 2)]
    with ExitStack() as stack:
        cluster = stack.enter_context(LocalCluster.start(find_tools()))
        cluster.create(*[gpu_node(name, count=NODE_GPUS) for name in nodes])
        cluster.kubectl("create", "namespace", NAMESPACE)
        release = install(cluster, labels.FIELD_MANAGER, {})
        settings = {"record_directory": str(home / "records"), "record_max_bytes": str(RECORD_BYTES)}
        operator = Operator(release, home, settings)
        stack.callback(lambda: operator.kill() if operator.process else None)
        operator.start()
        pods = cluster.layout.addresses.pods
        engines = EngineFleet(cluster.kubeconfig, pod_range=pods, load_seconds=LOAD_SECONDS, log=home / "engines.log")
        stack.enter_context(engines)
        yield World(cluster, engines, operator, {wish.name: wish for wish in wishes}, nodes)


@click.command()
@click.option("--minutes", default=30.0, help="How long faults are made; starting and ending come on top.")
@click.option("--seed", default=1, help="Of the faults, their order and their times.")
@click.option("--servings", default=10, help="How many ElasticServings there are; every fifth may go to zero.")
@click.option("--logs", type=click.Path(path_type=Path), help="Keep the logs and records in this directory.")
def main(minutes: float, seed: int, servings: int, logs: Path | None) -> None:
    """Make faults, check what must hold, print what was found; exit code 1 where something was violated."""
    tally = Tally()
    with TemporaryDirectory() as temporary:
        home = logs or Path(temporary)
        home.mkdir(parents=True, exist_ok=True)
        with a_world(home, servings) as world:
            world.apply(*world.wishes.values())
            settle(world, tally, "start")
            play(world, minutes, seed, tally)
            decisions = end(world, tally, home / "records")
    print_result(world, tally, decisions)
    raise SystemExit(1 if world.violations else 0)


if __name__ == "__main__":
    main()
