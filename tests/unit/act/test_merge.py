"""The user's template over ours: what kubectl apply would make of it."""

import copy
from typing import Any

import pytest

from elastic_serving.act.merge import merged


@pytest.mark.parametrize(
    ("ours", "users", "expected"),
    [
        pytest.param({"a": 1}, {}, {"a": 1}, id="nothing said, nothing changed"),
        pytest.param({"a": 1}, {"b": 2}, {"a": 1, "b": 2}, id="a new field is added"),
        pytest.param({"a": 1, "b": 2}, {"a": 9}, {"a": 9, "b": 2}, id="a scalar is replaced"),
        pytest.param({"a": 1, "b": 2}, {"a": None}, {"b": 2}, id="null removes our field"),
        pytest.param(
            {"resources": {"limits": {"nvidia.com/gpu": "1"}}},
            {"resources": {"requests": {"memory": "20Gi"}}},
            {"resources": {"limits": {"nvidia.com/gpu": "1"}, "requests": {"memory": "20Gi"}}},
            id="objects are merged at every depth",
        ),
        pytest.param(
            {"containers": [{"name": "main", "image": "ours", "command": ["a", "b"]}]},
            {"containers": [{"name": "sidecar", "image": "theirs"}, {"name": "main", "command": ["c"]}]},
            {
                "containers": [
                    {"name": "main", "image": "ours", "command": ["c"]},
                    {"name": "sidecar", "image": "theirs"},
                ]
            },
            id="containers go by name, ours first, a command is replaced whole",
        ),
        pytest.param(
            {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]},
            {
                "env": [
                    {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                    {"name": "B", "value": "2"},
                ]
            },
            id="an environment variable is replaced whole: value and valueFrom exclude each other",
        ),
        pytest.param(
            {"volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}]},
            {"volumeMounts": [{"name": "big", "mountPath": "/dev/shm"}, {"name": "shm", "mountPath": "/other"}]},
            {"volumeMounts": [{"name": "big", "mountPath": "/dev/shm"}, {"name": "shm", "mountPath": "/other"}]},
            id="mounts go by path, not by volume",
        ),
        pytest.param(
            {"ports": [{"name": "http", "containerPort": 8000}]},
            {"ports": [{"name": "http", "hostPort": 80}, {"containerPort": 8000, "protocol": "TCP"}]},
            {"ports": [{"name": "http", "containerPort": 8000, "hostPort": 80, "protocol": "TCP"}]},
            id="ports go by name, and by number where there is no name",
        ),
        pytest.param(
            {"ports": [{"name": "http", "containerPort": 8000}]},
            {"ports": [{"name": "admin", "containerPort": 8000}]},
            {"ports": [{"name": "http", "containerPort": 8000}, {"name": "admin", "containerPort": 8000}]},
            id="another name is another port: ours keeps the name the Service needs",
        ),
        pytest.param(
            {"tolerations": [{"key": "gpu", "operator": "Exists"}]},
            {"tolerations": [{"key": "spot", "operator": "Exists"}, {"key": "gpu", "operator": "Exists"}]},
            {"tolerations": [{"key": "gpu", "operator": "Exists"}, {"key": "spot", "operator": "Exists"}]},
            id="tolerations add up, an equal one is not repeated",
        ),
        pytest.param(
            {"readinessProbe": {"httpGet": {"path": "/health"}, "periodSeconds": 2}},
            {"readinessProbe": {"exec": {"command": ["ready"]}}},
            {"readinessProbe": {"exec": {"command": ["ready"]}, "periodSeconds": 2}},
            id="another way to probe replaces ours, its period stays",
        ),
        pytest.param(
            {"lifecycle": {"preStop": {"sleep": {"seconds": 5}}}},
            {"lifecycle": {"preStop": {"exec": {"command": ["bye"]}}}},
            {"lifecycle": {"preStop": {"exec": {"command": ["bye"]}}}},
            id="another preStop replaces ours",
        ),
        pytest.param(
            {"securityContext": {"capabilities": {"drop": ["ALL"]}}},
            {"securityContext": {"capabilities": {"add": ["IPC_LOCK"]}, "runAsUser": 1000}},
            {"securityContext": {"capabilities": {"drop": ["ALL"], "add": ["IPC_LOCK"]}, "runAsUser": 1000}},
            id="a security context adds to ours",
        ),
        pytest.param(
            {"containers": [{"name": "main"}]},
            {"containers": "nonsense"},
            {"containers": "nonsense"},
            id="what is no list is handed on: the API server says what is wrong with it",
        ),
    ],
)
def test_the_template_is_laid_over_ours_by_merge_keys(
    ours: dict[str, Any], users: dict[str, Any], expected: dict[str, Any]
) -> None:
    before = copy.deepcopy((ours, users))
    assert merged(ours, users) == expected
    assert (ours, users) == before, "neither argument may be changed"


def test_laying_the_same_template_twice_changes_nothing_more() -> None:
    ours = {"containers": [{"name": "main", "env": [{"name": "A", "value": "1"}]}], "tolerations": [{"key": "gpu"}]}
    users = {"containers": [{"name": "main", "env": [{"name": "B", "value": "2"}]}], "tolerations": [{"key": "spot"}]}
    once = merged(ours, users)
    assert merged(once, users) == once
