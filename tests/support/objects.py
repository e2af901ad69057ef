"""An API server's memory for tests of what is written: objects by name, versions, and a way to fail."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from elastic_serving.errors import AlreadyExists, Conflict, ElasticServingError, NotFound
from elastic_serving.kube.api import Object, Preconditions, Resource


class Objects:
    """Creates, applies and patches; refuses a second object of a name, and a patch of what is not there or another.

    ``writes`` are the calls that changed something or tried, as (verb, plural, name); ``fail_next`` is raised once.
    """

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str | None, str], Object] = {}
        self.writes: list[tuple[str, str, str]] = []
        self.fail_next: ElasticServingError | None = None

    def put(self, resource: Resource, namespace: str | None, body: Mapping[str, Any]) -> None:
        """An object that is there already."""
        self.stored[resource.plural, namespace, body["metadata"]["name"]] = copy.deepcopy(dict(body))

    def all(self, plural: str) -> list[Object]:
        """Every object of a kind, in the order of creation."""
        return [stored for (kind, _, _), stored in self.stored.items() if kind == plural]

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Object:
        try:
            return copy.deepcopy(self.stored[resource.plural, namespace, name])
        except KeyError:
            raise NotFound(f"{resource.plural} {name}") from None

    async def list(
        self, resource: Resource, namespace: str | None = None, *, label_selector: str = ""
    ) -> Sequence[Object]:
        raise NotImplementedError

    async def create(
        self, resource: Resource, namespace: str | None, body: Mapping[str, Any], *, dry_run: bool = False
    ) -> Object:
        name = body["metadata"]["name"]
        self._writing("create", resource, name)
        if (resource.plural, namespace, name) in self.stored:
            raise AlreadyExists(f"{resource.plural} {name}")
        if not dry_run:
            self.put(resource, namespace, body)
        return dict(body)

    async def json_patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        operations: Sequence[Mapping[str, Any]],
        *,
        subresource: str = "",
    ) -> Object:
        """``test`` of a field of metadata, and ``add`` of the subresource as a whole: what status is written with."""
        self._writing("patch", resource, name)
        known = self.stored.get((resource.plural, namespace, name))
        if known is None:
            raise NotFound(f"{resource.plural} {name}")
        for operation in operations:
            where = operation["path"].strip("/").split("/")
            if operation["op"] == "test" and where[0] == "metadata":
                if known["metadata"].get(where[1]) != operation["value"]:
                    raise Conflict(f"{resource.plural} {name}: test of {operation['path']} failed")
            else:
                assert (operation["op"], where) == ("add", [subresource]), "a subresource takes nothing else"
                known[subresource] = copy.deepcopy(operation["value"])
        return copy.deepcopy(known)

    async def apply(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        body: Mapping[str, Any],
        *,
        subresource: str = "",
        force: bool = True,
    ) -> Object:
        self._writing("apply", resource, name)
        assert not subresource, "nothing of ours applies to one"
        known = self.stored.get((resource.plural, namespace, name))
        self.put(resource, namespace, {**(known or {}), **body})
        return dict(body)

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        preconditions: Preconditions | None = None,
        grace_period_seconds: int | None = None,
    ) -> None:
        self._writing("delete", resource, name)
        if self.stored.pop((resource.plural, namespace, name), None) is None:
            raise NotFound(f"{resource.plural} {name}")

    def _writing(self, verb: str, resource: Resource, name: str) -> None:
        self.writes.append((verb, resource.plural, name))
        if self.fail_next is not None:
            error, self.fail_next = self.fail_next, None
            raise error
