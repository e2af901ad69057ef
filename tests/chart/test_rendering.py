"""What the chart renders, without a cluster: names, rights, images, security and monitoring."""

from typing import Any

import pytest
import yaml

from elastic_serving.api import labels
from tests.chart.rendering import CHART, FULLNAME, MONITORING, NAMESPACE, RELEASE, Chart, Object, container
from tests.chart.test_values import EVERYTHING

ROOT = CHART.parents[1]

COMBINATIONS = [
    pytest.param({}, id="defaults"),
    pytest.param(EVERYTHING, id="everything"),
    pytest.param({"replicas": 0, "podDisruptionBudget": {"enabled": False}}, id="no pods"),
    pytest.param(
        {"crds": {"install": False}, "rbac": {"create": False, "aggregate": False}}, id="nothing of the cluster"
    ),
    pytest.param({"serviceAccount": {"create": False, "name": "mine"}}, id="an account of the user's"),
    pytest.param({"networkPolicy": {"enabled": True}}, id="network policy, open egress"),
    pytest.param(
        {
            "networkPolicy": {
                "enabled": True,
                "ingressFrom": [{"podSelector": {}}],
                "egress": [{"ports": [{"port": 443}]}],
            }
        },
        id="network policy, closed egress",
    ),
    pytest.param(
        {"monitoring": {"podMonitors": {"enabled": True}, "rules": {"enabled": True}}}, id="monitoring by force"
    ),
    pytest.param(
        {"watchNamespaces": ["y", "123"], "imagePullSecrets": ["no", "1e3"]}, id="names that YAML takes for others"
    ),
    pytest.param(
        {
            "prometheus": {"bearerToken": {"serviceAccount": True}},
            "extraEnv": [{"name": "TZ", "value": "UTC"}],
            "podAnnotations": {"a": "true"},
            "podLabels": {"b": "1"},
            "nodeSelector": {"c": "d"},
            "tolerations": [{"operator": "Exists"}],
            "affinity": {"nodeAffinity": {}},
            "priorityClassName": "system-cluster-critical",
            "topologySpreadConstraints": [],
            "serviceAccount": {"annotations": {"e": "f"}},
            "service": {"annotations": {"g": "h"}},
            "monitoring": {"dashboards": {"namespace": "grafana", "annotations": {"folder": "LLM"}}},
        },
        id="placement and annotations",
    ),
]


@pytest.mark.parametrize("values", COMBINATIONS)
def test_each_object_is_complete_and_named_once(chart: Chart, values: Object) -> None:
    objects = chart.render(values, served=MONITORING)
    for each in objects:
        assert each["apiVersion"]
        assert isinstance(each["metadata"]["name"], str)
        assert isinstance(each["metadata"].get("namespace", ""), str)
        owner = each["metadata"]["labels"]
        assert (owner["app.kubernetes.io/name"], owner["app.kubernetes.io/instance"]) == ("elastic-serving", RELEASE)
    names = [(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in objects]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("values", COMBINATIONS)
def test_a_namespace_is_named_by_everything_that_lives_in_one(chart: Chart, values: Object) -> None:
    of_the_cluster = {"CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"}
    for each in chart.render(values, served=MONITORING):
        assert ("namespace" in each["metadata"]) is (each["kind"] not in of_the_cluster), each["metadata"]["name"]


def test_an_old_kubernetes_is_refused(chart: Chart) -> None:
    # A provider's version has a suffix, which semantic versions take for a pre-release.
    assert chart.render(kubernetes="1.30.2-gke.100")
    assert "requires kubeVersion: >=1.30.0-0" in chart.refusal({}, kubernetes="1.29.9")


@pytest.mark.parametrize(
    ("keep", "policy"), [pytest.param(True, "keep", id="kept"), pytest.param(False, None, id="not kept")]
)
def test_crds_are_rendered_as_they_were_generated(chart: Chart, keep: bool, policy: str | None) -> None:
    rendered = {o["metadata"]["name"]: o for o in chart.render({"crds": {"keep": keep}}) if _is_crd(o)}
    generated = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "crds").glob("*.yaml"))]
    assert len(generated) == len(rendered) == 2
    for crd in generated:
        theirs = rendered[crd["metadata"]["name"]]
        assert theirs["spec"] == crd["spec"]
        assert theirs["metadata"]["annotations"].get("helm.sh/resource-policy") == policy


def test_crds_can_be_left_to_others(chart: Chart) -> None:
    assert not any(_is_crd(o) for o in chart.render({"crds": {"install": False}}))


def test_the_lease_has_no_spec_that_an_upgrade_could_reset(chart: Chart) -> None:
    lease = chart.one("Lease")
    assert "spec" not in lease


def test_watched_namespaces_leave_the_cluster_role_nodes_and_our_crds(chart: Chart) -> None:
    objects = chart.render({"watchNamespaces": ["team-a", "team-b"]})
    bound = [o["roleRef"]["name"] for o in objects if o["kind"] == "ClusterRoleBinding"]
    assert bound == [f"{NAMESPACE}-{FULLNAME}"]
    (role,) = [o for o in objects if o["kind"] == "ClusterRole" and o["metadata"]["name"] in bound]
    granted = {(resource, verb) for rule in role["rules"] for resource in rule["resources"] for verb in rule["verbs"]}
    assert {resource for resource, _ in granted} == {"nodes", "customresourcedefinitions"}
    assert {verb for _, verb in granted} <= {"get", "list", "watch"}
    roles = {(o["metadata"]["namespace"], o["metadata"]["name"]) for o in objects if o["kind"] == "Role"}
    assert roles == {
        ("team-a", f"{NAMESPACE}-{FULLNAME}"),
        ("team-b", f"{NAMESPACE}-{FULLNAME}"),
        (NAMESPACE, f"{FULLNAME}-leader"),
    }


def test_rights_of_a_namespace_are_the_same_whether_watched_alone_or_with_all(chart: Chart) -> None:
    everywhere = chart.one("ClusterRole", f"{NAMESPACE}-{FULLNAME}")["rules"]
    here = [o for o in chart.render({"watchNamespaces": ["a"]}) if o["kind"] == "Role"]
    narrow = next(o["rules"] for o in here if o["metadata"]["namespace"] == "a")
    assert [rule for rule in everywhere if rule in narrow] == narrow


def test_the_operator_may_touch_one_lease_and_create_none(chart: Chart) -> None:
    (rule,) = chart.one("Role", f"{FULLNAME}-leader")["rules"]
    assert rule == {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "resourceNames": [FULLNAME],
        "verbs": ["get", "update"],
    }


@pytest.mark.parametrize(
    ("enabled", "verbs"),
    [
        pytest.param(True, ["get", "list", "watch", "create", "patch"], id="on: to make them"),
        pytest.param(False, ["list", "delete"], id="off: to take them back"),
    ],
)
def test_rights_on_network_policies_are_what_the_switch_needs(chart: Chart, enabled: bool, verbs: list[str]) -> None:
    role = chart.one("ClusterRole", f"{NAMESPACE}-{FULLNAME}", {"servings": {"networkPolicy": {"enabled": enabled}}})
    assert [rule["verbs"] for rule in role["rules"] if "networkpolicies" in rule["resources"]] == [verbs]


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        pytest.param({}, "elastic-serving/elastic-serving:0.1.0", id="default"),
        pytest.param(
            {"registry": "r.example:5000"}, "r.example:5000/elastic-serving/elastic-serving:0.1.0", id="mirror"
        ),
        pytest.param(
            {"registry": "r.example/cache"}, "r.example/cache/elastic-serving/elastic-serving:0.1.0", id="cache"
        ),
        pytest.param({"tag": "v2"}, "elastic-serving/elastic-serving:v2", id="tag"),
        pytest.param(
            {"tag": "v2", "digest": "sha256:" + "0" * 64},
            "elastic-serving/elastic-serving@sha256:" + "0" * 64,
            id="digest wins",
        ),
    ],
)
def test_operator_and_test_pod_use_the_image_of_the_values(chart: Chart, image: Object, reference: str) -> None:
    objects = chart.render({"image": image, "imagePullSecrets": ["pull"]})
    deployment = next(o for o in objects if o["kind"] == "Deployment")
    test_pod = next(o for o in objects if o["kind"] == "Pod")
    assert container(deployment)["image"] == test_pod["spec"]["containers"][0]["image"] == reference
    for spec in (deployment["spec"]["template"]["spec"], test_pod["spec"]):
        assert spec["imagePullSecrets"] == [{"name": "pull"}]


def test_no_service_can_set_a_variable_that_looks_like_a_setting(chart: Chart) -> None:
    # With service links a Service "elastic-serving-http" would set ELASTIC_SERVING_HTTP_PORT=tcp://10.0.0.1:8080.
    assert chart.one("Deployment")["spec"]["template"]["spec"]["enableServiceLinks"] is False


def test_credentials_are_mounted_where_the_settings_say(chart: Chart) -> None:
    deployment = chart.one("Deployment", values=EVERYTHING)
    volumes = {volume["name"]: volume for volume in deployment["spec"]["template"]["spec"]["volumes"]}
    assert volumes["prometheus"]["projected"]["sources"] == [
        {"secret": {"name": "p", "items": [{"key": "password", "path": "password"}]}},
        {
            "secret": {
                "name": "c",
                "items": [{"key": "tls.crt", "path": "client.crt"}, {"key": "tls.key", "path": "client.key"}],
            }
        },
        {"configMap": {"name": "roots", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    ]
    mounts = {mount["name"]: mount["mountPath"] for mount in container(deployment)["volumeMounts"]}
    assert mounts["prometheus"] == "/etc/elastic-serving/prometheus"
    assert mounts["record"] == "/var/lib/elastic-serving/record"


@pytest.mark.parametrize(
    ("enabled", "served", "there"),
    [
        pytest.param("auto", MONITORING, True, id="auto, with the CRDs"),
        pytest.param("auto", (), False, id="auto, without"),
        pytest.param(True, (), True, id="by force"),
        pytest.param(False, MONITORING, False, id="never"),
    ],
)
def test_monitoring_objects_are_there_where_they_can_be(
    chart: Chart, enabled: object, served: tuple[str, ...], there: bool
) -> None:
    values = {"monitoring": {"podMonitors": {"enabled": enabled}, "rules": {"enabled": enabled}}}
    kinds = {o["kind"] for o in chart.render(values, served=served)}
    assert ("PodMonitor" in kinds, "PrometheusRule" in kinds) == (there, there)


def test_engines_are_scraped_as_leaders_and_named_as_the_operator_asks(chart: Chart) -> None:
    spec = chart.one("PodMonitor", f"{FULLNAME}-engines", served=MONITORING)["spec"]
    assert spec["namespaceSelector"] == {"any": True}
    assert spec["selector"]["matchLabels"] == {
        labels.MANAGED_BY: labels.MANAGED_BY_VALUE,
        labels.HOST: labels.LEADER_HOST,
    }
    (endpoint,) = spec["podMetricsEndpoints"]
    assert endpoint["port"] == labels.ENGINE_PORT_NAME
    sources = {rule["targetLabel"]: rule["sourceLabels"] for rule in endpoint["relabelings"]}
    assert sources == {
        "namespace": ["__meta_kubernetes_namespace"],
        "elasticserving": [_meta_label(labels.SERVING)],
        "es_replica": [_meta_label(labels.REPLICA)],
        "es_engine": [_meta_label(labels.ENGINE)],
    }
    assert _meta_label(labels.ROLE) not in str(spec), "a target that drains must stay the same target"


def test_engines_of_watched_namespaces_alone_are_scraped(chart: Chart) -> None:
    monitor = chart.one("PodMonitor", f"{FULLNAME}-engines", {"watchNamespaces": ["a", "b"]}, served=MONITORING)
    assert monitor["spec"]["namespaceSelector"] == {"matchNames": ["a", "b"]}


def test_disabled_alerts_are_left_out_and_labels_reach_the_others(chart: Chart) -> None:
    values = {"monitoring": {"rules": {"disabled": ["ElasticServingAtMaximum"], "alertLabels": {"team": "ml"}}}}
    (group,) = chart.one("PrometheusRule", values=values, served=MONITORING)["spec"]["groups"]
    every = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())["groups"][0]["rules"]
    assert [rule["alert"] for rule in group["rules"]] == [
        rule["alert"] for rule in every if rule["alert"] != "ElasticServingAtMaximum"
    ]
    for rule in group["rules"]:
        assert rule["labels"]["team"] == "ml"
        assert rule["labels"]["severity"] in {"critical", "warning"}


def _is_crd(each: Object) -> bool:
    return bool(each["kind"] == "CustomResourceDefinition")


def _meta_label(name: str) -> Any:
    """Prometheus' name for a pod's label (service discovery turns every other character into an underscore)."""
    return "__meta_kubernetes_pod_label_" + name.replace(".", "_").replace("/", "_").replace("-", "_")
