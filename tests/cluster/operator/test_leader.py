"""One operator acts at a time: who leads, who takes over and when, and that a leader that must not go on ends."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dev.cluster.handle import Cluster
from tests.support.cluster import eventually
from tests.support.operator import Operator, Release
from tests.support.proxy import Proxy, Seen, proxy_of
from tests.support.servings import Servings
from tests.support.tunnel import tunnel_to

DURATION, RENEW, RETRY = 6.0, 4.0, 1.0
LEASE = {
    "lease_duration_seconds": str(DURATION),
    "lease_renew_seconds": str(RENEW),
    "lease_retry_seconds": str(RETRY),
}
"""Short, so that tests are; the order renew < duration is what matters."""
TAKEOVER_SECONDS = DURATION + 2 * RETRY + 1
"""A follower sees the last renewal up to one retry late, and looks again up to one retry after the Lease has run out;
one more second for the calls themselves."""
THREE = {"scaling": {"minReplicas": 3}}


@pytest.fixture
def team(release: Release, tmp_path: Path) -> Iterator["Team"]:
    """Operators of one release, each behind a proxy of its own; those that are left are killed."""
    with ExitStack() as stack:
        yield (made := Team(release, tmp_path, stack))
        for operator in made.operators:
            if operator.process is not None:
                operator.kill()


class Team:
    """Makes operators that share a Lease."""

    def __init__(self, release: Release, home: Path, stack: ExitStack) -> None:
        self.release, self.home, self.stack = release, home, stack
        self.operators: list[Operator] = []

    def member(self, identity: str, **settings: str) -> tuple[Operator, Proxy]:
        """An operator that does not run yet, and the proxy it goes through."""
        proxy = self.stack.enter_context(proxy_of(self.release.kubeconfig))
        return self.direct(identity, proxy.url, **settings), proxy

    def direct(self, identity: str, server: str | None = None, **settings: str) -> Operator:
        """An operator that talks to ``server``, the API server itself if that is None."""
        operator = Operator(self.release, self.home, {**LEASE, **settings}, identity, server)
        self.operators.append(operator)
        return operator

    async def follower(self, identity: str) -> tuple[Operator, Proxy]:
        """A second operator, which has seen that the Lease is held."""
        operator, proxy = self.member(identity)
        operator.start(wait=False)
        await eventually(lambda: [s for s in proxy.seen if s.call.resource == "leases"])
        return operator, proxy


def acts(proxy: Proxy) -> list[Seen]:
    """Writes that were answered with success, other than of the Lease."""
    return [seen for seen in proxy.writes if seen.call.resource != "leases" and seen.status < 300]


def created_pods(*proxies: Proxy) -> list[str]:
    """Names of the pods that were created, in any order but each as often as it was."""
    calls = [seen.call for proxy in proxies for seen in acts(proxy)]
    return sorted(call.name for call in calls if call.what.startswith("create pods/"))


async def ended(operator: Operator, timeout: float = 30) -> tuple[int, float]:  # noqa: ASYNC109  # reads well at the call
    """Exit code and monotonic time of the end of the process, which ends by itself (or was just killed)."""
    process, operator.process = operator.process, None
    assert process is not None
    code = await asyncio.to_thread(process.wait, timeout)
    return code, time.monotonic()


async def leading_at(proxy: Proxy, since: float, timeout: float) -> float:  # noqa: ASYNC109  # as above
    """When this operator took the Lease: its first successful update of it after ``since``."""

    def taken() -> float | None:
        updates = [s.at for s in proxy.writes if s.call.resource == "leases" and s.status == 200 and s.at > since]
        return min(updates, default=None)

    return await eventually(taken, timeout)


@pytest.mark.promise("N4")
@pytest.mark.promise("U24")
async def test_a_leader_killed_amid_a_step_is_replaced_within_its_lease_and_no_pod_is_made_twice(
    team: Team, servings: Servings
) -> None:
    old, old_proxy = team.member("operator-0")
    old.start()
    process = old.process
    assert process is not None
    _, new_proxy = await team.follower("operator-1")

    def kill_at_the_second_pod(call: object, side: str) -> bool:
        if side == "after" and len(created_pods(old_proxy)) == 2:
            process.kill()
            return True
        return False

    old_proxy.reached = kill_at_the_second_pod
    servings.apply(THREE)
    code, killed = await ended(old)
    assert code == -9
    assert acts(new_proxy) == []
    taken = await leading_at(new_proxy, killed, TAKEOVER_SECONDS + 5)
    assert taken - killed <= TAKEOVER_SECONDS
    await servings.serving(3)
    assert created_pods(old_proxy, new_proxy) == ["llama-8b-0-0", "llama-8b-1-0", "llama-8b-2-0"]


@pytest.mark.promise("N4")
async def test_a_leader_that_is_told_to_stop_hands_its_lease_over_at_once(team: Team, servings: Servings) -> None:
    old, old_proxy = team.member("operator-0")
    old.start()
    _, new_proxy = await team.follower("operator-1")
    servings.apply()
    await servings.serving(1)
    assert acts(new_proxy) == []
    assert old.stop() == 0
    stopped = time.monotonic()
    taken = await leading_at(new_proxy, 0, TAKEOVER_SECONDS)
    assert taken - stopped <= 2 * RETRY + 1
    servings.apply(THREE)
    await servings.serving(3)
    assert max(seen.at for seen in acts(old_proxy)) < taken <= min(seen.at for seen in acts(new_proxy))


async def test_a_restarted_container_takes_its_lease_back_at_once(team: Team, servings: Servings) -> None:
    lease = {"lease_duration_seconds": "600", "lease_renew_seconds": "30", "lease_retry_seconds": "2"}
    operator = team.direct("operator-0", **lease)
    operator.start()
    operator.kill()
    operator.start()  # it waits 30 s for the lead at most, a stranger would wait for 600
    servings.apply()
    await servings.serving(1)


@pytest.mark.promise("U24")
async def test_a_leader_on_a_frozen_connection_ends_before_its_follower_may_act(
    team: Team, servings: Servings, cluster: Cluster
) -> None:
    proxy = team.stack.enter_context(proxy_of(team.release.kubeconfig))
    tunnel = team.stack.enter_context(tunnel_to(proxy.url))
    old = team.direct("operator-0", tunnel.url)
    old.start()
    _, new_proxy = await team.follower("operator-1")
    servings.apply()
    await servings.serving(1)
    tunnel.freeze()
    frozen = time.monotonic()
    servings.apply(THREE)
    code, end = await ended(old)
    assert code == 70
    assert end - frozen <= RENEW + 1
    taken = await leading_at(new_proxy, 0, TAKEOVER_SECONDS)
    assert end < taken
    await servings.serving(3)
    assert max(seen.at for seen in acts(proxy)) < end < taken <= min(seen.at for seen in acts(new_proxy))


@pytest.mark.parametrize("kind", [pytest.param("frozen", id="frozen"), pytest.param("unavailable", id="unavailable")])
async def test_an_outage_shorter_than_the_renew_deadline_is_survived(team: Team, servings: Servings, kind: str) -> None:
    operator, proxy = team.member("operator-0")
    tunnel = team.stack.enter_context(tunnel_to(proxy.url))
    operator.server = tunnel.url
    operator.start()
    servings.apply()
    await servings.serving(1)
    process = operator.process
    assert process is not None
    if kind == "frozen":
        tunnel.freeze()
    else:
        proxy.forge = lambda _: (503, "{}")
    servings.apply(THREE)
    began = time.monotonic()
    await eventually(lambda: time.monotonic() - began > RENEW / 2)
    proxy.forge = lambda _: None
    tunnel.thaw()
    await servings.serving(3)
    assert process.poll() is None


async def test_a_crash_of_the_leading_work_ends_the_process_and_a_follower_takes_over(
    team: Team, servings: Servings
) -> None:
    old, old_proxy = team.member("operator-0", reconcile_seconds="1")
    old.start()
    _, new_proxy = await team.follower("operator-1")
    old_proxy.forge = lambda call: (200, '{"items": [{}]}') if (call.verb, call.resource) == ("list", "pods") else None
    code, end = await ended(old)
    assert code == 1
    taken = await leading_at(new_proxy, 0, TAKEOVER_SECONDS)
    assert taken - end <= 2 * RETRY + 1  # the Lease was given up
    servings.apply()
    await servings.serving(1)
