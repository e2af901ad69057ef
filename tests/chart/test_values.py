"""What values may be, what they are by default, and how a wrong one is refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.chart import documented, values_page
from elastic_serving.api.workload import VLLM_IMAGE
from elastic_serving.settings import Settings
from tests.chart.rendering import CHART, FULLNAME, NAMESPACE, Chart, Object, variables

ROOT = CHART.parents[1]
VALUES_TEXT = (CHART / "values.yaml").read_text()
SCHEMA = json.loads((CHART / "values.schema.json").read_text())

EVERYTHING: Object = {
    "watchNamespaces": ["team-a", "team-b"],
    "prometheus": {
        "url": "https://mimir.example/prometheus",
        "timeoutSeconds": 2.5,
        "tenant": "ml",
        "headers": {"X-Team": "ml, serving"},
        "basicAuth": {"username": "u", "secret": "p"},
        "clientCertificate": {"secret": "c"},
        "ca": {"configMap": "roots"},
    },
    "operator": {"record": {"enabled": True}, "log": {"format": "console", "level": "debug"}, "tickSeconds": 0.5},
    "servings": {
        "engineImage": {"registry": "mirror.example:5000", "digest": "sha256:" + "a" * 64, "pullSecrets": ["x", "y"]},
        "networkPolicy": {"enabled": True, "namespaces": ["monitoring", "gateways"]},
    },
}


def test_helm_finds_no_fault(chart: Chart) -> None:
    assert "0 chart(s) failed" in chart.lint()


def test_chart_and_operator_have_one_version() -> None:
    facts = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert facts["version"] == facts["appVersion"]
    assert f'version = "{facts["version"]}"' in (ROOT / "pyproject.toml").read_text()


def test_the_chart_carries_the_crds_of_the_repository() -> None:
    ours = {path.name: path.read_text() for path in (CHART / "files" / "crds").iterdir()}
    assert ours == {path.name: path.read_text() for path in (ROOT / "crds").glob("*.yaml")}, "make generate"


def test_the_page_of_values_is_current() -> None:
    assert (ROOT / "docs" / "reference" / "values.md").read_text() == values_page(VALUES_TEXT), "make generate"


def test_a_value_without_a_comment_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"b\.c: no comment that starts with '# -- ' stands right above it"):
        documented("# -- The first.\na: 1\nb:\n  # no documentation\n  c: 2\n")


def test_a_comment_of_two_lines_is_one_meaning() -> None:
    (value,) = documented("# -- The first,\n# of two.\na: {b: [1]}\n")
    assert (value.path, value.default, value.meaning) == ("a", "{b: [1]}", "The first, of two.")


def test_schema_knows_every_value_and_no_other() -> None:
    values = yaml.safe_load(VALUES_TEXT)
    assert _schema_paths(SCHEMA) - {"global"} == {value.path for value in documented(VALUES_TEXT)}
    assert set(SCHEMA["properties"]) - {"global"} == set(values)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({"replica": 2}, ["additional properties 'replica' not allowed"], id="unknown value"),
        pytest.param(
            {"prometheus": {"uri": "http://p"}}, ["/prometheus", "'uri' not allowed"], id="unknown inner value"
        ),
        pytest.param({"replicas": "two"}, ["/replicas", "got string, want integer"], id="word for a number"),
        pytest.param({"replicas": -1}, ["/replicas", "minimum: got -1, want 0"], id="negative count"),
        pytest.param({"replicas": 1.5}, ["/replicas", "want integer"], id="half a replica"),
        pytest.param(
            {"image": {"tag": "v1:2"}}, ["/image/tag", "'v1:2' does not match pattern"], id="tag with a colon"
        ),
        pytest.param({"image": {"digest": "sha256:1"}}, ["/image/digest", "sha256:"], id="short digest"),
        pytest.param({"image": {"repository": ""}}, ["/image/repository", "minLength"], id="no repository"),
        pytest.param(
            {"image": {"pullPolicy": "Sometimes"}},
            ["/image/pullPolicy", "'Always', 'IfNotPresent', 'Never'"],
            id="pull policy",
        ),
        pytest.param(
            {"imagePullSecrets": [{"name": "x"}]}, ["/imagePullSecrets/0", "want string"], id="object for a name"
        ),
        pytest.param({"watchNamespaces": "team-a"}, ["/watchNamespaces", "want array"], id="one name for a list"),
        pytest.param(
            {"watchNamespaces": ["a", "a"]}, ["/watchNamespaces", "items at 0 and 1 are equal"], id="namespace twice"
        ),
        pytest.param(
            {"watchNamespaces": ["Team_A"]},
            ["/watchNamespaces/0", "'Team_A' does not match pattern"],
            id="not a namespace",
        ),
        pytest.param(
            {"prometheus": {"url": "prometheus:9090"}}, ["/prometheus/url", "^https?://"], id="address without scheme"
        ),
        pytest.param(
            {"prometheus": {"timeoutSeconds": 0}},
            ["/prometheus/timeoutSeconds", "exclusiveMinimum: got 0, want 0"],
            id="no time at all",
        ),
        pytest.param(
            {"prometheus": {"headers": {"X": 1}}}, ["/prometheus/headers/X", "want string"], id="number for a header"
        ),
        pytest.param(
            {"operator": {"log": {"level": "trace"}}},
            ["/operator/log/level", "'debug', 'info', 'warning', 'error'"],
            id="log level",
        ),
        pytest.param(
            {"operator": {"staleSeconds": 4000}},
            ["/operator/staleSeconds", "maximum: got 4,000, want 3,600"],
            id="an hour and more",
        ),
        pytest.param(
            {"operator": {"record": {"maxBytes": 10}}}, ["/operator/record/maxBytes", "want 65,536"], id="tiny record"
        ),
        pytest.param(
            {"monitoring": {"podMonitors": {"enabled": "yes"}}},
            ["/monitoring/podMonitors/enabled", "'auto', true, false"],
            id="yes for true",
        ),
        pytest.param(
            {"monitoring": {"podMonitors": {"interval": "5"}}},
            ["/monitoring/podMonitors/interval", "'5' does not match"],
            id="interval without unit",
        ),
        pytest.param(
            {"podDisruptionBudget": {"maxUnavailable": "half"}}, ["/podDisruptionBudget/maxUnavailable"], id="half"
        ),
        pytest.param({"service": {"port": 70000}}, ["/service/port", "maximum: got 70,000, want 65,535"], id="port"),
        pytest.param({"crds": {"install": "no"}}, ["/crds/install", "got string, want boolean"], id="no for false"),
    ],
)
def test_schema_refuses_a_wrong_value_by_name(chart: Chart, values: Object, words: list[str]) -> None:
    refusal = chart.refusal(values)
    for word in words:
        assert word in refusal


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        pytest.param(
            {"prometheus": {"bearerToken": {"secret": "t", "serviceAccount": True}}},
            'prometheus.bearerToken: secret "t" and serviceAccount true exclude each other; set one',
            id="two bearer tokens",
        ),
        pytest.param(
            {"prometheus": {"basicAuth": {"username": "me"}}},
            'prometheus.basicAuth: username "me" and secret "" go together; set both or none',
            id="user without password",
        ),
        pytest.param(
            {"prometheus": {"basicAuth": {"username": "me", "secret": "s"}, "bearerToken": {"secret": "t"}}},
            "prometheus: basicAuth and bearerToken both write the Authorization header; set one",
            id="basic and bearer",
        ),
        pytest.param(
            {"prometheus": {"ca": {"secret": "a", "configMap": "b"}}},
            'prometheus.ca: secret "a" and configMap "b" exclude each other; set one',
            id="two authorities",
        ),
        pytest.param(
            {"servings": {"engineImage": {"tag": ""}}},
            'servings.engineImage: repository "vllm/vllm-openai" needs a tag or a digest; latest would change '
            "the engine under running models",
            id="engine image without tag",
        ),
        pytest.param(
            {"operator": {"lease": {"renewSeconds": 15}}},
            "operator.lease: renewSeconds 15 must be below durationSeconds 15, or two leaders could act at once",
            id="renewal as long as the lease",
        ),
        pytest.param(
            {"operator": {"lease": {"retrySeconds": 5.5}}},
            "operator.lease: retrySeconds 5.5 must be at most half of renewSeconds 10, "
            "or one lost answer ends the leader",
            id="a single try",
        ),
        pytest.param(
            {"operator": {"record": {"enabled": True, "volume": {"persistentVolumeClaim": {"claimName": "r"}}}}},
            "operator.record: 2 replicas would share one PersistentVolumeClaim; set replicas 1 to record to it",
            id="shared claim",
        ),
    ],
)
def test_contradictions_are_refused_in_one_sentence(chart: Chart, values: Object, sentence: str) -> None:
    assert sentence in chart.refusal(values)


def test_every_variable_is_a_setting(chart: Chart) -> None:
    names = set(variables(chart.one("Deployment"))) | set(variables(chart.one("Deployment", values=EVERYTHING)))
    names |= set(variables(chart.one("Deployment", values={"prometheus": {"bearerToken": {"secret": "t"}}})))
    names.add("ELASTIC_SERVING_POD_NAME")
    settings = {f"ELASTIC_SERVING_{field.upper()}" for field in Settings.model_fields}
    assert names <= settings
    # What the chart leaves to the operator: its address in the pod, and a kubeconfig nobody has in a pod.
    assert settings - names == {"ELASTIC_SERVING_HTTP_HOST", "ELASTIC_SERVING_KUBECONFIG"}


def test_default_values_are_the_settings_own_defaults(chart: Chart, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Settings(pod_name="p").model_dump()
    rendered = _settings(chart, {}, monkeypatch).model_dump()
    deliberate = {
        "lease_name": FULLNAME,
        "lease_namespace": NAMESPACE,
        "engine_image": VLLM_IMAGE,
        "network_policy_namespaces": ("monitoring",),
    }
    assert rendered == {**own, **deliberate}


def test_values_reach_the_operator(chart: Chart, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _settings(chart, EVERYTHING, monkeypatch)
    assert settings.watch_namespaces == ("team-a", "team-b")
    assert str(settings.prometheus_url) == "https://mimir.example/prometheus"
    assert settings.prometheus_timeout_seconds == 2.5
    assert settings.prometheus_tenant == "ml"
    assert settings.prometheus_headers["X-Team"].get_secret_value() == "ml, serving"
    assert settings.prometheus_username == "u"
    mounted = Path("/etc/elastic-serving/prometheus")
    assert settings.prometheus_password_file == mounted / "password"
    assert settings.prometheus_cert_file == mounted / "client.crt"
    assert settings.prometheus_key_file == mounted / "client.key"
    assert settings.prometheus_ca_file == mounted / "ca.crt"
    assert settings.record_directory == Path("/var/lib/elastic-serving/record")
    assert (settings.record_max_bytes, settings.record_files) == (16 * 1024 * 1024, 4)
    assert (settings.log_format, settings.log_level, settings.tick_seconds) == ("console", "debug", 0.5)
    assert settings.engine_image == "mirror.example:5000/vllm/vllm-openai@sha256:" + "a" * 64
    assert settings.engine_image_pull_secrets == ("x", "y")
    assert settings.network_policy is True
    assert settings.network_policy_namespaces == ("monitoring", "gateways")


def _settings(chart: Chart, values: Object, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings that the operator's container would read."""
    for name, value in variables(chart.one("Deployment", values=values)).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ELASTIC_SERVING_POD_NAME", "p")
    return Settings()


def _schema_paths(schema: Any, parent: str = "") -> set[str]:
    """Dotted paths of the schema's leaves: what has no properties of its own."""
    return set(_leaves(schema, parent))


def _leaves(schema: Any, parent: str) -> Iterator[str]:
    for name, below in schema["properties"].items():
        path = f"{parent}{name}"
        if "properties" in below:
            yield from _leaves(below, f"{path}.")
        else:
            yield path
