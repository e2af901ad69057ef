"""Which creations may be tried now: a refused template changes nothing, a used-up quota is not asked every second."""

from dataclasses import dataclass, field, replace

from elastic_serving.act.check import refusal_of
from elastic_serving.api.models import ElasticServing
from elastic_serving.handlers.shell import Shell
from elastic_serving.scaling.model import CreateReplica, Inventory, Outcome, Plan, Trouble, TroubleKind

REFUSAL_SECONDS = 30.0
"""Pause before a refused template is asked again: what refused it may have been changed beside the spec."""
SLOW_SECONDS = 10.0
"""Pause of creations after a quota or a policy said no."""
FOREIGN_SECONDS = 60.0
"""How long an index is passed over after its pod name was found taken."""

_SLOW = (TroubleKind.QUOTA, TroubleKind.FORBIDDEN, TroubleKind.REFUSED)


@dataclass(slots=True)
class Admission:
    """What stands in the way of new pods of one serving. Times are monotonic."""

    refusal: Trouble | None = None
    """What the dry run of the present revision said, while it stands."""
    _revision: str = ""
    _asked_at: float = float("-inf")
    _creations_from: float = float("-inf")
    _taken: dict[int, float] = field(default_factory=dict)

    def blocked(self, clock: float) -> tuple[int, ...]:
        """Indices whose pod names were found taken by pods that are not ours."""
        self._taken = {index: at for index, at in self._taken.items() if clock - at < FOREIGN_SECONDS}
        return tuple(sorted(self._taken))

    async def admit(self, shell: Shell, serving: ElasticServing, inventory: Inventory, wanted: Plan) -> Plan:
        """``wanted`` without the creations that would be refused; a new revision is tried by a dry run first."""
        if inventory.revision != self._revision:
            self._revision, self.refusal, self._asked_at = inventory.revision, None, float("-inf")
            self._creations_from = float("-inf")
        if not any(isinstance(action, CreateReplica) for action in wanted.actions):
            return wanted
        clock = shell.clock()
        if clock < self._creations_from:
            return _without_creations(wanted)
        known = any(replica.revision == inventory.revision for replica in inventory.replicas)
        due = self._asked_at == float("-inf") or (self.refusal and clock - self._asked_at >= REFUSAL_SECONDS)
        if due and not known:
            self._asked_at = clock
            found = await refusal_of(shell.api, serving, shell.wiring.engine)
            lasting = (TroubleKind.REFUSED, TroubleKind.FORBIDDEN)
            self.refusal = found if found is not None and found.kind in lasting else None
        return _without_creations(wanted) if self.refusal else wanted

    def learn(self, outcome: Outcome, clock: float) -> None:
        """Take note of what the executed actions met."""
        for trouble in outcome.troubles:
            if trouble.kind is TroubleKind.FOREIGN:
                self._taken[trouble.replica] = clock
            if trouble.kind in _SLOW:
                self._creations_from = clock + SLOW_SECONDS


def _without_creations(wanted: Plan) -> Plan:
    return replace(wanted, actions=tuple(a for a in wanted.actions if not isinstance(a, CreateReplica)))
