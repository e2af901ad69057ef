"""Which cluster the tests use: the one ES_TEST_KUBECONFIG names, else one of our own, never an ambient one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dev.cluster.errors import ClusterError, NotHere
from dev.cluster.handle import GivenCluster
from dev.cluster.local import LocalCluster
from tests.support.cluster import GIVEN, given_cluster

ROOT = Path(__file__).parents[2]


def test_the_cluster_that_is_named_is_used_and_what_it_lacks_is_skipped_with_a_sentence(
    local_cluster: LocalCluster, tmp_path: Path
) -> None:
    named = tmp_path / "named.kubeconfig"
    named.write_bytes(local_cluster.kubeconfig.read_bytes())
    state = tmp_path / "state"
    run = subprocess.run(
        [
            *[sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider"],
            "tests/cluster/test_local_cluster.py::test_helm_speaks_to_the_same_cluster",
            "tests/cluster/test_local_cluster.py::test_a_service_account_has_only_its_own_rights_and_the_audit_log_says_so",
        ],
        cwd=ROOT,
        env={**os.environ, GIVEN: str(named), "XDG_STATE_HOME": str(state)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "1 passed, 1 skipped" in run.stdout, run.stdout
    assert f"cluster: {named} (ES_TEST_KUBECONFIG): no Prometheus of ours, no audit log" in run.stdout
    assert f"the cluster of {named} is not ours to break" in run.stdout
    assert not (state / "elastic-serving/clusters").exists()  # nothing was started


@pytest.mark.parametrize("part", ["prometheus_url", "audit_log"])
def test_a_given_cluster_says_what_it_does_not_have(local_cluster: LocalCluster, part: str, tmp_path: Path) -> None:
    given = GivenCluster(local_cluster.kubeconfig, local_cluster.tools, tmp_path)
    with pytest.raises(NotHere, match="was not started here"):
        getattr(given, part)


def test_a_name_without_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match=f"{GIVEN} names .*nowhere, which is no file"):
        given_cluster(str(tmp_path / "nowhere"))


def test_an_ambient_kubeconfig_is_neither_read_nor_written(
    local_cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ambient = tmp_path / "ambient"
    ambient.write_text("somebody's own, and no YAML: [")
    monkeypatch.setenv("KUBECONFIG", str(ambient))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert local_cluster.layout.server in local_cluster.kubectl("config", "view")
    local_cluster.kubectl("config", "set-context", "--current", "--namespace=default")
    assert "kube-system" in local_cluster.kubectl("get", "namespaces")  # kubectl caches what it discovers in its home
    assert local_cluster.helm("list", "--short") == ""
    assert ambient.read_text() == "somebody's own, and no YAML: ["
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ambient"]
