"""Requests to the API server, told in words: which verb on which object, as a person would name it."""

import json
from dataclasses import dataclass
from typing import Any, Final

from elastic_serving.api import labels

_ROLE_PATH: Final = "/metadata/labels/" + labels.ROLE.replace("/", "~1")
_WRITES: Final = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``verb`` is RBAC's: get, list, watch, create, update, patch, delete."""

    verb: str
    group: str
    resource: str
    """Plural, with the subresource: ``elasticservings/status``."""
    namespace: str
    name: str
    what: str
    """``drain pods/llama-8b-2-0``, ``create events ScalingUp``: what it does, without identities that differ by run."""

    @property
    def is_write(self) -> bool:
        """Whether it changes something; a dry run counts, since an operator can die there too."""
        return self.verb in _WRITES.values()


def call_of(method: str, path: str, query: dict[str, str], body: bytes) -> Call:
    """The call that a request makes; ``resource`` is empty where the path addresses no object (discovery)."""
    parts = path.strip("/").split("/")
    group, rest = ("", parts[2:]) if parts[0] == "api" else (parts[1] if len(parts) > 1 else "", parts[3:])
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces":
        namespace, rest = rest[1], rest[2:]
    resource, name, subresource = [*rest, "", "", ""][:3]
    verb = _WRITES.get(method) or ("watch" if query.get("watch") else "get" if name else "list")
    content: Any = json.loads(body) if body and verb in ("create", "patch") else {}
    if verb == "create":
        name = content.get("metadata", {}).get("name", "")
    resource = f"{resource}/{subresource}" if subresource else resource
    what = _what(verb, resource, name, query, content)
    return Call(verb, group, resource, namespace, name, what)


def _what(verb: str, resource: str, name: str, query: dict[str, str], content: Any) -> str:
    if query.get("dryRun"):
        return f"try {resource}"
    if resource == "events":
        return f"{verb} {resource} {content['reason']}"
    if verb == "patch" and isinstance(content, list):
        return f"{_purpose(content)} {resource}/{name}"
    if verb == "patch":
        return f"apply {resource}/{name}"
    return f"{verb} {resource}/{name}"


def _purpose(operations: list[dict[str, Any]]) -> str:
    """What a JSON patch of a pod is for."""
    for operation in operations:
        if operation["op"] == "remove" and operation["path"].startswith("/spec/schedulingGates"):
            return "lift"
        if operation["op"] == "add" and operation["path"] == _ROLE_PATH:
            return "drain" if operation["value"] == "draining" else "undrain"
    return "patch"
