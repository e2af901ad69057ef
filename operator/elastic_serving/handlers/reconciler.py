"""One ElasticServing: the task that owns its memory and runs the five lines whenever something may have changed."""

import asyncio
from dataclasses import dataclass, field, replace

import structlog

from elastic_serving.act.ensure import ensure
from elastic_serving.act.execute import execute
from elastic_serving.act.revision import revision_of
from elastic_serving.api.models import ElasticServing, Mode
from elastic_serving.api.parse import read
from elastic_serving.errors import ElasticServingError, InvalidSpec
from elastic_serving.handlers.admission import Admission
from elastic_serving.handlers.keeper import Keeper
from elastic_serving.handlers.shell import SERVINGS, Shell
from elastic_serving.observe.boots import Boots
from elastic_serving.observe.flow import Finished, flow_of
from elastic_serving.observe.inventory import counts_of, inventory_of, retired_of
from elastic_serving.observe.signals import Wanted
from elastic_serving.report.account import Account
from elastic_serving.report.lines import line
from elastic_serving.scaling.decide import Decided, decide
from elastic_serving.scaling.learn import known
from elastic_serving.scaling.model import Decision, Flow, Inventory, Outcome, Plan, Role, Seen
from elastic_serving.scaling.plan import plan
from elastic_serving.scaling.retries import failures_after

log = structlog.get_logger(__name__)

FRESH_SECONDS = 5.0
"""Age at which a list of pods no longer proves that nothing vanished unnoticed: it is listed again before a removal."""


@dataclass(slots=True)
class Reconciler:
    """Runs passes of one serving, one after another. A pass that fails is tried anew at the next tick."""

    namespace: str
    name: str
    shell: Shell
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _served: "_Served | None" = None
    _refused: str = ""
    """Version of the object that could not be understood: not looked at again until it changes."""

    def wake(self) -> None:
        """Something may have changed: run a pass soon."""
        self._woken.set()

    def wanted(self) -> Wanted | None:
        """What must be read of Prometheus for this serving; None before its first pass."""
        return self._served.wanted if self._served else None

    def stopped(self) -> None:
        """The serving is gone: forget what was told of it."""
        uid = self._served.serving.metadata.uid if self._served else ""
        self.shell.reporter.forget(self.namespace, self.name, uid)

    async def run(self) -> None:
        """Passes until cancelled. No error of one serving ends the process or another serving."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self._pass()
            except ElasticServingError as error:
                log.warning("pass failed", namespace=self.namespace, serving=self.name, reason=str(error))
            except Exception:  # a defect met by one serving must not end the others; the next tick tries anew
                log.exception("pass failed by a defect", namespace=self.namespace, serving=self.name)

    async def _pass(self) -> None:
        """Find the serving and what is remembered of it, then reconcile."""
        obj = self.shell.caches[SERVINGS].get(self.namespace, self.name)
        if obj is None or obj["metadata"].get("deletionTimestamp"):
            return
        now, version = self.shell.now(), str(obj["metadata"]["resourceVersion"])
        if version == self._refused:
            return
        if self._served is None or self._served.version != version:
            try:
                serving = read(obj)
            except InvalidSpec as error:
                await self.shell.reporter.invalid(obj, str(error), now)
                self._refused = version
                return
            self._served = await _served(self.shell, serving, self._served, self._woken, now)
        with self.shell.metrics.pass_seconds.time():
            await self._served.reconcile(now)


@dataclass(slots=True)
class _Served:
    """One serving as it is now, with everything its passes leave for the next."""

    serving: ElasticServing
    shell: Shell
    keeper: Keeper
    revision: str
    wanted: Wanted
    woken: asyncio.Event
    finished: Finished
    boots: Boots
    admission: Admission = field(default_factory=Admission)
    listed_at: float = float("-inf")
    outcome: Outcome = field(default_factory=Outcome)
    beside: tuple[str, ...] = ()
    look_again: bool = False

    @property
    def version(self) -> str:
        return self.serving.metadata.resource_version

    async def reconcile(self, now: float) -> None:
        """The five lines."""
        seen = await self._observe(now)
        decided = decide(self.serving.spec, seen, self.keeper.memory, now)
        actions = plan(self.serving.spec, decided.decision, seen.inventory)
        outcome = await self._execute(seen, decided, actions)
        account = Account(
            self.serving, seen, decided.decision, actions, outcome, now, known=known(decided.memory.learned, seen)
        )
        await self._report(account)

    async def _observe(self, now: float) -> Seen:
        """Signals as last read, pods as cached, or listed afresh where the last pass asked to look again."""
        metadata, shell = self.serving.metadata, self.shell
        just_listed = self.look_again
        if just_listed:
            self.listed_at = await shell.list_pods_of(metadata.namespace, metadata.name)
            self.look_again = False
        pods = shell.pods_of(metadata.namespace, metadata.name)
        inventory = inventory_of(
            metadata.uid,
            metadata.name,
            pods,
            at=now,
            size=self.serving.spec.accelerator.gpu.hosts,
            revision=self.revision,
            in_flight=shell.signals.in_flight(self.wanted),
            nodes=shell.nodes_of(pods),
            complete=just_listed or shell.clock() - self.listed_at < FRESH_SECONDS,
        )
        blocked = {*inventory.blocked, *self.admission.blocked(shell.clock())}
        inventory = replace(inventory, failures=self.keeper.failures, blocked=tuple(sorted(blocked)))
        alive = [r for r in inventory.replicas if r.role is Role.SERVING and not r.is_terminating]
        self.boots = self.boots.after(inventory)
        return Seen(
            at=now,
            replicas=counts_of(inventory, current=len(alive)),
            signals=shell.signals.readings(self.wanted, inventory, now),
            inventory=inventory,
            retired=retired_of(inventory),
            flow=self._flow(inventory, now),
            boots=self.boots.known,
        )

    def _flow(self, inventory: Inventory, now: float) -> Flow | None:
        signals = self.shell.signals
        samples = signals.samples(self.wanted)
        self.finished = self.finished.after(inventory, samples)
        return flow_of(
            inventory,
            samples,
            self.finished,
            slots=self.wanted.slots,
            oldest=now - signals.stale_after_seconds,
        )

    async def _execute(self, seen: Seen, decided: Decided, planned: Plan) -> Outcome:
        """Save the memory, then do what is planned and may be tried now."""
        serving, shell = self.serving, self.shell
        if shell.recorder is not None:
            shell.recorder.write(line(seen, self.keeper.memory, decided.decision, self._about()))
        failures = failures_after(seen.inventory, planned.actions, serving.spec.startup)
        await self.keeper.keep(shell, serving, decided, failures)
        if decided.decision.changed:
            log.info("decided", **_logged(serving, decided.decision))
        if serving.spec.scaling.mode is Mode.ADVISE:
            return self.outcome
        self.look_again = planned.look_again
        if planned.look_again:
            self.woken.set()
        self.beside = await ensure(
            shell.api,
            serving,
            shell.beside_of(serving.metadata.namespace, serving.metadata.name),
            allowed_namespaces=shell.wiring.allowed_namespaces,
        )
        admitted = await self.admission.admit(shell, serving, seen.inventory, planned)
        if admitted.actions:
            self.outcome = await execute(
                shell.api, serving, admitted.actions, clock=shell.now, defaults=shell.wiring.engine
            )
            self.admission.learn(self.outcome, shell.clock())
            self._measure_reaction(decided.decision)
        return self.outcome

    def _measure_reaction(self, decision: Decision) -> None:
        """Enter how old the newest sample of a changed decision is, now that its actions are done."""
        sampled = [signal.sampled_at for signal in decision.signals if signal.sampled_at is not None]
        if decision.changed and sampled:
            metadata = self.serving.metadata
            self.shell.metrics.reaction.labels(metadata.namespace, metadata.name).observe(
                max(0.0, self.shell.now() - max(sampled))
            )

    def _about(self) -> dict[str, object]:
        """Whose record it is, and the spec it was decided under, as the user wrote it."""
        metadata = self.serving.metadata
        spec = self.serving.spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return {"serving": f"{metadata.namespace}/{metadata.name}", "spec": spec}

    async def _report(self, account: Account) -> None:
        """Status, Events, metrics; what is told beyond this pass stands beside it."""
        await self.shell.reporter.report(
            replace(account, last_change=self.keeper.last_change, refusal=self.admission.refusal, beside=self.beside)
        )


async def _served(
    shell: Shell, serving: ElasticServing, before: _Served | None, woken: asyncio.Event, now: float
) -> _Served:
    """The serving as it was just read; what was learned of the same object (by uid) stays."""
    wanted = Wanted(
        namespace=serving.metadata.namespace,
        name=serving.metadata.name,
        engine=serving.spec.engine.kind,
        slots=serving.spec.engine.slots,
        signals=serving.spec.signals,
    )
    revision = revision_of(serving.spec)
    if before is not None and before.serving.metadata.uid == serving.metadata.uid:
        return replace(before, serving=serving, revision=revision, wanted=wanted)
    keeper = await Keeper.open(shell, serving, now)
    return _Served(serving, shell, keeper, revision, wanted, woken, Finished(now), Boots(now))


def _logged(serving: ElasticServing, decision: Decision) -> dict[str, object]:
    """A changed decision as one log line."""
    return {
        "namespace": serving.metadata.namespace,
        "serving": serving.metadata.name,
        "current": decision.current,
        "desired": decision.desired,
        "why": decision.why,
        "steps": [f"{step.stage}: {step.reason}" for step in decision.steps],
    }
