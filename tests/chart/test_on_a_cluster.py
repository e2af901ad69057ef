"""The chart on a real API server: what it accepts, what it grants, and what install, upgrade and uninstall leave."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace

import pytest
import yaml

from dev.cluster.client import Client
from dev.cluster.errors import ClusterError
from dev.cluster.local import LocalCluster
from dev.cluster.waiting import wait_until
from tests.chart.rendering import CHART, FULLNAME, MONITORING, NAMESPACE, RELEASE, Chart, Object
from tests.chart.test_rendering import COMBINATIONS
from tests.chart.test_values import EVERYTHING
from tests.support.crds import PLURALS, await_served

pytestmark = pytest.mark.cluster

OPERATOR = f"system:serviceaccount:{NAMESPACE}:{FULLNAME}"
OTHERS = ("team-a", "team-b", "y", "123", "grafana")
SERVING = """
apiVersion: elasticserving.io/v1alpha1
kind: ElasticServing
metadata: {name: kept, namespace: team-a}
spec:
  model: {uri: hf://meta-llama/Llama-3.1-8B-Instruct}
  accelerator: {gpu: {product: nvidia-l4}}
  scaling: {maxReplicas: 2}
"""


@dataclass(frozen=True, slots=True)
class Right:
    """What a verb is for, as RBAC names it; an empty ``name`` is any."""

    group: str
    resource: str
    name: str = ""
    subresource: str = ""


SERVINGS = Right("elasticserving.io", "elasticservings")
MEMORIES = Right("elasticserving.io", "servingmemories")
LEASE = Right("coordination.k8s.io", "leases", name=FULLNAME)


@pytest.fixture(scope="module")
def client(own_cluster: LocalCluster) -> Client:
    """The cluster's administrator; its namespaces are there, the chart's own enforces Pod Security ``restricted``."""
    client = own_cluster.client
    for name in (NAMESPACE, *OTHERS):
        client.kubectl("create", "namespace", name)
    enforce = ["pod-security.kubernetes.io/enforce=restricted", "pod-security.kubernetes.io/enforce-version=latest"]
    client.kubectl("label", "namespace", NAMESPACE, *enforce)
    return client


@pytest.fixture
def release(client: Client) -> Iterator[Client]:
    """Whoever installs the release finds none, and leaves neither it nor its CRDs."""
    yield client
    client.helm("uninstall", RELEASE, f"--namespace={NAMESPACE}", "--ignore-not-found", "--wait")
    names = [f"{plural}.elasticserving.io" for plural in PLURALS]
    client.kubectl("delete", "customresourcedefinitions", *names, "--ignore-not-found")


@pytest.mark.parametrize("values", COMBINATIONS)
def test_the_api_server_accepts_every_object_strictly(chart: Chart, client: Client, values: Object) -> None:
    objects = [o for o in chart.render(values) if not o["apiVersion"].startswith("monitoring.coreos.com")]
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    accepted = client.kubectl("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f-", stdin=manifest)
    assert len(accepted.splitlines()) == len(objects)


@pytest.mark.parametrize("values", [pytest.param({}, id="defaults"), pytest.param(EVERYTHING, id="everything")])
def test_restricted_pod_security_admits_the_pods(chart: Chart, client: Client, values: Object) -> None:
    # A Deployment is only warned about; its pods are what admission refuses.
    for pod in _pods(chart, values):
        spec = {**pod["spec"], "serviceAccountName": "default", "priorityClassName": ""}
        bare = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": NAMESPACE}, "spec": spec}
        assert "created" in client.kubectl("create", "--dry-run=server", "-f-", stdin=json.dumps(bare))


def test_restricted_pod_security_would_refuse_a_pod_without_our_contexts(chart: Chart, client: Client) -> None:
    (pod, *_) = _pods(chart, {})
    spec = {**pod["spec"], "serviceAccountName": "default", "securityContext": {}}
    bare = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": NAMESPACE}, "spec": spec}
    with pytest.raises(ClusterError, match="violates PodSecurity"):
        client.kubectl("create", "--dry-run=server", "-f-", stdin=json.dumps(bare))


def test_an_upgrade_keeps_the_leader_and_an_uninstall_keeps_the_servings(release: Client) -> None:
    _install(release, {"replicas": 0})
    release.kubectl("wait", "--for=condition=Established", "crd/elasticservings.elasticserving.io", "--timeout=30s")
    held = {"holderIdentity": "es-elastic-serving-0", "leaseDurationSeconds": 15, "leaseTransitions": 3}
    lease = _get(release, "lease", FULLNAME)
    # As the operator does it: the whole object is replaced, by another field manager than Helm.
    release.kubectl("replace", "--field-manager=elastic-serving", "-f-", stdin=json.dumps({**lease, "spec": held}))
    release.kubectl("apply", "-f-", stdin=SERVING)

    _install(release, {"replicas": 0, "operator": {"tickSeconds": 2}})

    assert _get(release, "lease", FULLNAME)["spec"] == held
    environment = _get(release, "deployment", FULLNAME)["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "ELASTIC_SERVING_TICK_SECONDS", "value": "2"} in environment

    release.helm("uninstall", RELEASE, f"--namespace={NAMESPACE}", "--wait")

    assert _names(release, "elasticservings", "team-a") == ["kept"]
    left = "deployments,services,configmaps,roles,rolebindings,leases,serviceaccounts,poddisruptionbudgets"
    assert _names(release, left, NAMESPACE, f"--selector=app.kubernetes.io/instance={RELEASE}") == []


def test_a_second_install_takes_over_the_crds_that_the_first_left(release: Client) -> None:
    _install(release, {"replicas": 0})
    release.helm("uninstall", RELEASE, f"--namespace={NAMESPACE}", "--wait")
    assert "STATUS: deployed" in _install(release, {"replicas": 0})


def test_without_keep_an_uninstall_takes_the_crds(release: Client) -> None:
    _install(release, {"replicas": 0, "crds": {"keep": False}})
    release.helm("uninstall", RELEASE, f"--namespace={NAMESPACE}", "--wait")
    crds = release.kubectl("get", "crds", "--output=name").split()
    assert not [name for name in crds if name.endswith(".elasticserving.io")]


def test_users_of_a_namespace_get_its_servings_by_the_roles_they_have(release: Client) -> None:
    _install(release, {"replicas": 0})
    for user, role in (("viewer", "view"), ("editor", "edit")):
        release.kubectl("create", "rolebinding", user, f"--clusterrole={role}", f"--user={user}", "--namespace=team-a")
    # The controller manager aggregates roles in its own time.
    assert wait_until(lambda: _may(release, "editor", "create", SERVINGS, "team-a"), timeout_seconds=20)
    assert wait_until(lambda: _may(release, "viewer", "list", SERVINGS, "team-a"), timeout_seconds=20)
    rows = [
        ("list", SERVINGS, {"viewer", "editor"}),
        ("list", MEMORIES, {"viewer", "editor"}),
        ("create", SERVINGS, {"editor"}),
        ("patch", replace(SERVINGS, subresource="scale"), {"editor"}),
        ("patch", replace(SERVINGS, subresource="status"), set()),
        ("delete", MEMORIES, set()),
    ]
    for verb, right, allowed in rows:
        assert {user for user in ("viewer", "editor") if _may(release, user, verb, right, "team-a")} == allowed, verb


@pytest.mark.parametrize(
    ("watched", "in_b"),
    [pytest.param([], True, id="all namespaces"), pytest.param(["team-a"], False, id="one namespace")],
)
def test_the_operator_may_act_where_it_watches(release: Client, watched: list[str], in_b: bool) -> None:
    _install(release, {"replicas": 0, "watchNamespaces": watched})
    for verb, right in (
        ("create", Right("", "pods")),
        ("list", SERVINGS),
        ("patch", replace(SERVINGS, subresource="status")),
    ):
        assert _may(release, OPERATOR, verb, right, "team-a")
        assert _may(release, OPERATOR, verb, right, "team-b") is in_b
    assert _may(release, OPERATOR, "list", Right("", "nodes"))
    assert _may(release, OPERATOR, "update", LEASE, NAMESPACE)


def test_the_operator_may_not_do_more(release: Client) -> None:
    _install(release, {"replicas": 0})
    crd = Right("apiextensions.k8s.io", "customresourcedefinitions", name="elasticservings.elasticserving.io")
    rows = [
        ("get", Right("", "secrets"), "team-a"),
        ("get", Right("", "secrets"), NAMESPACE),
        ("create", LEASE, NAMESPACE),
        ("update", replace(LEASE, name="other"), NAMESPACE),
        ("update", LEASE, "team-a"),
        ("patch", SERVINGS, "team-a"),
        ("delete", SERVINGS, "team-a"),
        ("delete", Right("", "nodes"), ""),
        ("patch", crd, ""),
        ("create", Right("", "pods", subresource="exec"), "team-a"),
        ("create", Right("rbac.authorization.k8s.io", "clusterrolebindings"), ""),
    ]
    for verb, right, namespace in rows:
        assert not _may(release, OPERATOR, verb, right, namespace), f"{verb} {right} in {namespace!r}"


def _install(client: Client, values: Mapping[str, object]) -> str:
    """What Helm printed; the CRDs may be deleted from now on."""
    arguments = ["--install", RELEASE, str(CHART), f"--namespace={NAMESPACE}", "--values=-", "--wait", "--timeout=60s"]
    printed = client.helm("upgrade", *arguments, stdin=json.dumps(values))
    await_served(client.kubectl)
    return printed


def _get(client: Client, kind: str, name: str) -> Object:
    found = yaml.safe_load(client.kubectl("get", kind, name, f"--namespace={NAMESPACE}", "--output=json"))
    assert isinstance(found, dict)
    return found


def _names(client: Client, kinds: str, namespace: str, *arguments: str) -> list[str]:
    found = json.loads(client.kubectl("get", kinds, f"--namespace={namespace}", "--output=json", *arguments))
    return [item["metadata"]["name"] for item in found["items"]]


def _may(client: Client, user: str, verb: str, right: Right, namespace: str = "") -> bool:
    """Whether the API server lets ``user`` do it; an empty ``namespace`` means the whole cluster."""
    asked = {"verb": verb, "namespace": namespace, **asdict(right)}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": user, "groups": ["system:authenticated"], "resourceAttributes": asked},
    }
    answer = json.loads(client.kubectl("create", "--output=json", "-f-", stdin=json.dumps(review)))
    return bool(answer["status"]["allowed"])


def _pods(chart: Chart, values: Object) -> list[Object]:
    """The pods of the chart: the Deployment's and the test's."""
    objects = chart.render(values, served=MONITORING)
    templates = [o["spec"]["template"] for o in objects if o["kind"] == "Deployment"]
    return [*templates, *(o for o in objects if o["kind"] == "Pod")]
