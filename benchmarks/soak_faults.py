"""What goes wrong in the soak: one function a fault, which does the harm and undoes what does not heal by itself."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from benchmarks.soak_world import MOST, NAMESPACE, Wish, World
from dev.cluster.layout import API_SERVER, PROMETHEUS
from dev.cluster.nodes import NOT_READY, gpu_node
from dev.engines.launch import FleetFailed

NODE_GPUS: Final = 8


@dataclass(slots=True)
class Chance:
    """Where the dice are; ``hurt`` counts how often a pod was made to fail, since waits grow with failures in a row."""

    dice: random.Random
    hurt: dict[str, int] = field(default_factory=dict)

    def wishes(self, world: World, count: int) -> list[Wish]:
        """``count`` servings."""
        return self.dice.sample(sorted(world.wishes.values(), key=lambda wish: wish.name), count)

    def pod(self, world: World) -> str:
        """A pod whose engine answers, one of those that were hurt least; there is one, minReplicas of most is 1."""
        pods = world.serving_pods()
        least = min(self.hurt.get(pod, 0) for pod in pods)
        return self.dice.choice([pod for pod in pods if self.hurt.get(pod, 0) == least])

    def pause(self, shortest: float, longest: float) -> None:
        """Let the fault last."""
        time.sleep(self.dice.uniform(shortest, longest))


Fault: TypeAlias = Callable[[World, Chance], str]


def loads_change(world: World, chance: Chance, count: int = 4) -> str:
    """Other loads, known to the engines or the query at once."""
    changed = chance.wishes(world, count)
    for wish in changed:
        wish.load = chance.dice.randint(0 if wish.asleep else 1, MOST)
    world.apply(*(wish for wish in changed if wish.asleep))
    world.look()
    return ", ".join(f"{wish.name} for {wish.load}" for wish in changed)


def engine_crashes(world: World, chance: Chance) -> str:
    """Exit 1 in the middle of everything."""
    return _hurt(world, chance, "crash")


def engine_exits(world: World, chance: Chance) -> str:
    """Exit 0: the replica wishes to leave."""
    return _hurt(world, chance, "exit")


def engine_hangs(world: World, chance: Chance) -> str:
    """It answers nobody, or says itself that it is ill, or shows nonsense, for some seconds."""
    pod, fault = chance.pod(world), chance.dice.choice(("hang", "unhealthy", "nan_metrics", "html_metrics"))
    world.engines.fault(NAMESPACE, pod, fault)
    chance.pause(2, 8)
    with suppress(FleetFailed):  # the pod may be gone by now
        world.engines.fault(NAMESPACE, pod, "none")
    return f"{pod} {fault}"


def pod_deleted(world: World, chance: Chance) -> str:
    """By somebody, with or without grace."""
    pod = chance.pod(world)
    how = ("--force", "--grace-period=0") if chance.dice.random() < 0.5 else ()
    world.kubectl("delete", "pod", pod, "--wait=false", *how)
    return " ".join((pod, *how))


def node_deleted(world: World, chance: Chance) -> str:
    """A machine vanishes with all its pods; another one comes."""
    gone = chance.dice.choice(world.used_nodes())
    world.nodes.remove(gone)
    made = f"node-{1 + max(int(name.removeprefix('node-')) for name in (*world.nodes, gone))}"
    world.cluster.delete_nodes([gone])
    world.cluster.create(gpu_node(made, count=NODE_GPUS))
    world.nodes.append(made)
    return f"{gone}, {made} came"


def node_not_ready(world: World, chance: Chance) -> str:
    """A machine is out of reach for some seconds."""
    node = chance.dice.choice(world.used_nodes())
    world.cluster.kubectl("annotate", "node", node, f"{NOT_READY}=true")
    chance.pause(3, 10)
    world.cluster.kubectl("annotate", "node", node, f"{NOT_READY}-")
    return node


def operator_killed(world: World, chance: Chance) -> str:
    """SIGKILL in the middle of new loads; started again after some seconds."""
    words = loads_change(world, chance)
    chance.pause(0, 2)
    world.operator.kill()
    chance.pause(0, 5)
    world.operator.start()
    return words


def api_server_restarts(world: World, chance: Chance) -> str:
    """In the middle of new loads. With open watches it does not end gently; sometimes it is not even asked."""
    words, kill = loads_change(world, chance), chance.dice.random() < 0.5
    chance.pause(0, 2)
    world.api_was_away = True
    world.cluster.restart(API_SERVER, kill=kill)
    return f"{'killed' if kill else 'stopped'}, {words}"


def prometheus_away(world: World, chance: Chance) -> str:
    """Nothing is known for some seconds: every number must be held, and new loads be met when it is back."""
    before = _desired(world)
    world.cluster.stop_component(PROMETHEUS, kill=True)
    chance.pause(3, 12)
    after = _desired(world)
    moved = [f"{name} {before[name]} -> {after[name]}" for name in before if before[name] != after[name]]
    world.violations += [f"desired moved without Prometheus: {words}" for words in moved]
    words = loads_change(world, chance)
    world.cluster.start_component(PROMETHEUS)
    return words


def limits_edited(world: World, chance: Chance) -> str:
    """minReplicas and maxReplicas."""
    wish = chance.wishes(world, 1)[0]
    wish.most = chance.dice.randint(1, MOST)
    wish.least = chance.dice.randint(0 if wish.asleep else 1, wish.most)
    world.apply(wish)
    return f"{wish.name} {wish.least} to {wish.most}"


def template_edited(world: World, chance: Chance) -> str:
    """Every replica of a serving is made anew, one at a time."""
    wish = chance.wishes(world, 1)[0]
    wish.edition += 1
    world.apply(wish)
    return wish.name


def serving_made_anew(world: World, chance: Chance) -> str:
    """Deleted, and created under the same name while its pods still end."""
    wish = chance.wishes(world, 1)[0]
    world.kubectl("delete", "elasticserving", wish.name)
    world.apply(wish)
    return wish.name


def _hurt(world: World, chance: Chance, fault: str) -> str:
    pod = chance.pod(world)
    chance.hurt[pod] = chance.hurt.get(pod, 0) + 1
    world.engines.fault(NAMESPACE, pod, fault)
    return pod


def _desired(world: World) -> dict[str, int]:
    return {name: serving["status"]["desiredReplicas"] for name, serving in world.look().servings.items()}


FAULTS: Final[dict[str, Fault]] = {
    "loads change": loads_change,
    "engine crashes": engine_crashes,
    "engine exits 0": engine_exits,
    "engine hangs": engine_hangs,
    "pod deleted": pod_deleted,
    "node deleted": node_deleted,
    "node not ready": node_not_ready,
    "operator killed": operator_killed,
    "API server restarts": api_server_restarts,
    "Prometheus away": prometheus_away,
    "limits edited": limits_edited,
    "template edited": template_edited,
    "serving made anew": serving_made_anew,
}
