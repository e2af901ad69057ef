"""The revision of a serving's pods: which edits make every replica anew, and which do not. Pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from elastic_serving.api.models import ElasticServingSpec

REVISION_DIGITS: Final = 10
"""Hex digits, 40 bits: two revisions of a serving collide once in 10^12, and people still read the label."""

POD_FIELDS: Final = frozenset({"model", "engine", "template", "accelerator"})
"""Fields of spec that shape a pod in a way its engine must be started anew for.

``drain`` is not among them although it sets the grace period and the engine's own shutdown limit: the operator waits
for a drain by the present spec whatever the pod says, so minutes of loading for every replica would buy nothing. New
pods get the new value. ``startup``, ``scaling`` and ``replicas`` never reach a pod.
"""

BASELINE: Final[Mapping[str, Any]] = {
    "engine": {"kind": "vLLM", "args": [], "port": 8000, "maxConcurrency": 32},
    "accelerator": {"gpu": {"perHost": 1, "hosts": 1}},
}
"""The value each defaulted field had when it was introduced; it counts as not set, for ever.

The API server stores defaults with the object, so what a user set cannot be told from what was filled in. With a table
of its own instead of today's defaults the hash stays when a default changes (stored objects keep the old value, which
stands here) and when a field is added (its first default goes in here; test_revision.py fails until it does).
"""


def revision_of(spec: ElasticServingSpec) -> str:
    """Hash of what the user set of ``POD_FIELDS``, the same for every operator version, order of fields and serving."""
    canonical = json.dumps(users_part(spec), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:REVISION_DIGITS]


def users_part(spec: ElasticServingSpec) -> dict[str, Any]:
    """``POD_FIELDS`` without what equals ``BASELINE`` and without absent fields; the template is taken as it is."""
    fields = spec.model_dump(mode="json", by_alias=True, include=set(POD_FIELDS - {"template"}))
    fields["engine"].pop("partitions")  # it is for counting alone
    part = _beyond(fields, BASELINE)
    if spec.template:
        part["template"] = spec.template
    return part


def _beyond(fields: Mapping[str, Any], baseline: Mapping[str, Any]) -> dict[str, Any]:
    """``fields`` without what is absent, empty or equal to ``baseline``, at every depth."""
    part: dict[str, Any] = {}
    for name, content in fields.items():
        before = baseline.get(name)
        if isinstance(content, Mapping):
            deeper = _beyond(content, before if isinstance(before, Mapping) else {})
            if deeper:
                part[name] = deeper
        elif content is not None and content != before:
            part[name] = content
    return part
