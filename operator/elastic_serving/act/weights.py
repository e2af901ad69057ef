"""Where a model's weights come from: what the engine is told, and what the pod must mount or know for it. Pure."""

from dataclasses import dataclass
from typing import Final

from elastic_serving.errors import InvalidSpec
from elastic_serving.kube.api import Object

WEIGHTS_PATH: Final = "/weights"
"""Where a volume or an OCI artifact with weights is mounted, read-only."""


@dataclass(frozen=True, slots=True)
class Weights:
    """``location`` is the engine's model argument; ``volume`` is mounted read-only at ``WEIGHTS_PATH`` where set."""

    location: str
    volume: Object | None = None
    is_streamed: bool = False
    """Read by the engine straight from an object store, without a copy on disk."""
    is_hub: bool = False
    """Downloaded from the Hugging Face hub, whose token is one secret of one name."""


def weights_of(uri: str) -> Weights:
    """What ``spec.model.uri`` means.

    - ``hf://org/name``: the hub's repository ``org/name``.
    - ``s3://bucket/path``, ``gs://bucket/path``: streamed by the engine from the store.
    - ``pvc://claim/path``: a PersistentVolumeClaim of the namespace, mounted read-only.
    - ``oci://registry/repository:tag``: an image volume (Kubernetes 1.35 and later serve it by default), read-only.

    Raises InvalidSpec for anything else; the CRD refuses it earlier.
    """
    scheme, separator, rest = uri.partition("://")
    if not separator or not rest:
        raise InvalidSpec(f'spec.model.uri: "{uri}" must be hf://, s3://, gs://, pvc:// or oci:// and a location')
    match scheme:
        case "hf":
            return Weights(rest, is_hub=True)
        case "s3" | "gs":
            return Weights(uri, is_streamed=True)
        case "pvc":
            claim, _, path = rest.partition("/")
            location = f"{WEIGHTS_PATH}/{path}".rstrip("/")
            return Weights(location, {"persistentVolumeClaim": {"claimName": claim, "readOnly": True}})
        case "oci":
            return Weights(WEIGHTS_PATH, {"image": {"reference": rest}})
    raise InvalidSpec(f'spec.model.uri: scheme "{scheme}" is not one of hf, s3, gs, pvc and oci')
