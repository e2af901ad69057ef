"""Asking the API server about a template before anything is changed for it."""

from elastic_serving.act.execute import trouble_kind
from elastic_serving.act.manifests import BUILT_IN, PODS, EngineDefaults, pod_of
from elastic_serving.act.revision import revision_of
from elastic_serving.api.models import ElasticServing
from elastic_serving.errors import AlreadyExists, ElasticServingError
from elastic_serving.kube.api import KubeApi
from elastic_serving.scaling.model import Trouble

PROBE_INDEX = 0
"""The replica whose leader is tried: any would do, a pod that exists already has passed the same checks."""


async def refusal_of(api: KubeApi, serving: ElasticServing, defaults: EngineDefaults = BUILT_IN) -> Trouble | None:
    """Why the API server would not make this serving's pods, in its own sentence, or None if it would.

    A dry run: validation, admission and quota are asked, nothing is stored. Worth one call for each new revision;
    REFUSED and FORBIDDEN are about the template, the other kinds may pass by themselves.
    """
    pod = pod_of(serving, PROBE_INDEX, 0, revision_of(serving.spec), defaults)
    try:
        await api.create(PODS, serving.metadata.namespace, pod, dry_run=True)
    except AlreadyExists:
        return None
    except ElasticServingError as error:
        return Trouble(trouble_kind(error), PROBE_INDEX, str(error))
    return None
