"""Names that stand on our objects: labels, annotations, the scheduling gate, the field manager.

They are a contract: Prometheus relabels ``SERVING`` and ``REPLICA`` to ``elasticserving`` and ``es_replica``, Services
select by them, and an older operator's pods carry them. Adding is safe; renaming strands pods.
"""

from typing import Final

GROUP: Final = "elasticserving.io"
VERSION: Final = "v1alpha1"
KIND: Final = "ElasticServing"
PLURAL: Final = "elasticservings"
MEMORY_KIND: Final = "ServingMemory"
MEMORY_PLURAL: Final = "servingmemories"

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGED_BY_VALUE: Final = "elastic-serving"

SERVING: Final = f"{GROUP}/serving"
"""Name of the ElasticServing."""
REPLICA: Final = f"{GROUP}/replica"
"""Index of the replica in its serving, a decimal number from 0."""
HOST: Final = f"{GROUP}/host"
"""Rank of the host in its replica, a decimal number; 0 is the leader."""
ROLE: Final = f"{GROUP}/role"
"""``serving`` (in the Service) or ``draining``; the one label that changes in a pod's life."""
REVISION: Final = f"{GROUP}/revision"
"""Hash of the user's pod-relevant spec: another revision means the replica is made anew."""
RENDER: Final = f"{GROUP}/render"
"""Version of the code that built the manifest. It triggers nothing."""
ENGINE: Final = f"{GROUP}/engine"
"""``spec.engine.kind`` in lower case: vllm, tgi, sglang, triton, jetstream, generic."""

DRAINING_SINCE: Final = f"{GROUP}/draining-since"
"""Annotation: when the role became draining, epoch seconds with milliseconds."""
SIZE: Final = f"{GROUP}/size"
"""Annotation: hosts of the replica, so that a pod alone tells whether its group is whole."""

SCHEDULING_GATE: Final = f"{GROUP}/group"
"""Pods are born with it; it is lifted when every host of the replica exists."""
FIELD_MANAGER: Final = "elastic-serving"

ENGINE_CONTAINER: Final = "main"
"""Name of the engine's container, the one ``spec.template`` merges over."""
ENGINE_PORT_NAME: Final = "http"
LEADER_HOST: Final = "0"
