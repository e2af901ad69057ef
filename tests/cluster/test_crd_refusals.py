"""Wrong manifests and the sentence kubectl apply answers with: the field, the value, the legal range."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from dev.cluster.errors import ClusterError
from dev.cluster.handle import Cluster
from tests.support.crds import installed_crds
from tests.support.manifests import REMOVED, manifest

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module", autouse=True)
def crds(cluster: Cluster) -> Iterator[None]:
    """The kinds are known for as long as this module's tests run."""
    with installed_crds(cluster):
        yield


def scaling(**fields: Any) -> dict[str, Any]:
    return manifest({"scaling": fields})


def signals(*written: dict[str, Any]) -> dict[str, Any]:
    return scaling(signals=list(written))


def schedules(*changes: dict[str, Any]) -> dict[str, Any]:
    """Right schedules with these changes."""
    right = {"name": "office", "start": "0 8 * * MON-FRI", "end": "0 18 * * 1-5", "minReplicas": 2}
    written = ({key: part for key, part in (right | change).items() if part is not REMOVED} for change in changes)
    return scaling(schedules=list(written))


def engine(**fields: Any) -> dict[str, Any]:
    return manifest({"engine": fields})


def gpu(**fields: Any) -> dict[str, Any]:
    return manifest({"accelerator": {"gpu": fields}})


def up(**fields: Any) -> dict[str, Any]:
    return scaling(behavior={"scaleUp": fields})


NAME_RANGE = (
    "must be at most 40 lower case letters, digits and -, begin with a letter and not end with - "
    "(pods and Services are named after it)"
)
KINDS = '"vLLM", "TGI", "SGLang", "Triton", "JetStream", "Generic"'
FORTY_ONE = "a123456789b123456789c123456789d123456789e"

WRONG = [
    # What is not there, and what should not be there.
    pytest.param(manifest({"model": REMOVED}), "spec.model: Required value", id="no model"),
    pytest.param(manifest({"model": {"uri": REMOVED}}), "spec.model.uri: Required value", id="no uri"),
    pytest.param(manifest({"accelerator": REMOVED}), "spec.accelerator: Required value", id="no accelerator"),
    pytest.param(manifest({"accelerator": {"gpu": REMOVED}}), "spec.accelerator.gpu: Required value", id="no gpu"),
    pytest.param(gpu(product=REMOVED), "spec.accelerator.gpu.product: Required value", id="no product"),
    pytest.param(manifest({"scaling": REMOVED}), "spec.scaling: Required value", id="no scaling"),
    pytest.param(scaling(maxReplicas=REMOVED), "spec.scaling.maxReplicas: Required value", id="no maxReplicas"),
    pytest.param(manifest({"rollout": {"maxSurge": 1}}), 'unknown field "spec.rollout"', id="a field of later"),
    pytest.param(scaling(maxReplica=8), 'unknown field "spec.scaling.maxReplica"', id="a misspelt field"),
    pytest.param(scaling(maxReplicas=None), "spec.scaling.maxReplicas: Required value", id="null for a needed field"),
    # metadata.name
    pytest.param(
        manifest(name=FORTY_ONE), f'metadata.name: Invalid value: name "{FORTY_ONE}" {NAME_RANGE}', id="name of 41"
    ),
    pytest.param(
        manifest(name="8b-llama"), f'metadata.name: Invalid value: name "8b-llama" {NAME_RANGE}', id="name from a digit"
    ),
    pytest.param(
        manifest(name="llama-3.1"), f'metadata.name: Invalid value: name "llama-3.1" {NAME_RANGE}', id="name with a dot"
    ),
    # model
    pytest.param(
        manifest({"model": {"uri": "https://host/model"}}),
        'spec.model.uri: Invalid value: uri "https://host/model" must be hf://, s3://, gs://, pvc:// or oci:// '
        "followed by "
        "a path without spaces",
        id="uri of another scheme",
    ),
    pytest.param(
        manifest({"model": {"uri": "hf://"}}),
        'spec.model.uri: Invalid value: uri "hf://" must be hf://, s3://, gs://, pvc:// or oci:// followed by a path',
        id="uri without a path",
    ),
    pytest.param(
        manifest({"model": {"uri": "s3://my bucket/x"}}),
        'spec.model.uri: Invalid value: uri "s3://my bucket/x" must be',
        id="uri with a space",
    ),
    pytest.param(
        manifest({"model": {"name": "llama 8b"}}),
        'spec.model.name: Invalid value: name "llama 8b" must not contain spaces or control characters',
        id="served name with a space",
    ),
    pytest.param(
        manifest({"model": {"secretRef": {"name": "HF_TOKEN"}}}),
        'spec.model.secretRef.name: Invalid value: name "HF_TOKEN" must be the name of a Secret: lower case letters, '
        "digits, - and .",
        id="a key for a Secret",
    ),
    pytest.param(
        manifest({"model": {"secretRef": {}}}),
        "spec.model.secretRef.name: Required value",
        id="a Secret without a name",
    ),
    # accelerator
    pytest.param(
        gpu(product="NVIDIA L4"),
        'spec.accelerator.gpu.product: Invalid value: product "NVIDIA L4" must be a label value: letters, digits, '
        "-, _ and "
        "., such as nvidia-l4",
        id="a product that no label can have",
    ),
    pytest.param(
        gpu(perHost=0),
        "spec.accelerator.gpu.perHost: Invalid value: 0: spec.accelerator.gpu.perHost in body should be greater "
        "than or "
        "equal to 1",
        id="no GPU",
    ),
    pytest.param(
        gpu(perHost=17),
        "spec.accelerator.gpu.perHost: Invalid value: 17: spec.accelerator.gpu.perHost in body should be less than or "
        "equal to 16",
        id="17 GPUs in a host",
    ),
    pytest.param(
        gpu(hosts=2),
        "spec.accelerator.gpu.hosts: Invalid value: 2: spec.accelerator.gpu.hosts in body should be less than or equal "
        "to 1",
        id="two hosts",
    ),
    # engine
    pytest.param(
        engine(kind="vllm"),
        f'spec.engine.kind: Unsupported value: "vllm": supported values: {KINDS}',
        id="kind in lower case",
    ),
    pytest.param(
        engine(kind="TGI"),
        "spec.engine.image: Required value: kind TGI needs an image: only vLLM has a default",
        id="TGI without an image",
    ),
    pytest.param(
        engine(kind="Generic", image="server:1"),
        "spec.scaling.signals: Required value: engine.kind Generic has no known metrics: it needs scaling.signals, "
        "all of "
        "type Prometheus",
        id="Generic without signals",
    ),
    pytest.param(
        manifest(
            {"engine": {"kind": "Generic", "image": "server:1"}, "scaling": {"signals": [{"type": "Concurrency"}]}}
        ),
        "spec.scaling.signals: Required value: engine.kind Generic has no known metrics",
        id="Generic with Concurrency",
    ),
    pytest.param(
        engine(image="vllm/vllm-openai: v0.33.0"),
        'spec.engine.image: Invalid value: image "vllm/vllm-openai: v0.33.0" must not contain spaces',
        id="image with a space",
    ),
    pytest.param(
        engine(args=["--max-num-seqs=64"]),
        "spec.engine.args: Forbidden: args must not set --max-num-seqs, --served-model-name or --port: they follow "
        "engine.maxConcurrency, model.name and engine.port",
        id="an argument that has a field",
    ),
    pytest.param(
        engine(args=["--enforce-eager", "--served_model_name", "llama"]),
        "spec.engine.args: Forbidden: args must not set --max-num-seqs, --served-model-name or --port",
        id="the same in vLLM's other spelling",
    ),
    pytest.param(
        engine(args="--enforce-eager"),
        'spec.engine.args: Invalid value: "string": spec.engine.args in body must be of type array: "string"',
        id="args as text",
    ),
    pytest.param(
        engine(port=70000),
        "spec.engine.port: Invalid value: 70000: spec.engine.port in body should be less than or equal to 65535",
        id="a port beyond 65535",
    ),
    pytest.param(
        engine(maxConcurrency=0),
        "spec.engine.maxConcurrency: Invalid value: 0: spec.engine.maxConcurrency in body should be greater than "
        "or equal "
        "to 1",
        id="maxConcurrency 0",
    ),
    pytest.param(
        engine(maxConcurrency="32"),
        'spec.engine.maxConcurrency: Invalid value: "string": spec.engine.maxConcurrency in body must be of type '
        "integer: "
        '"string"',
        id="a number as text",
    ),
    # replicas and mode
    pytest.param(
        manifest({"replicas": 3}),
        "spec.replicas: Forbidden: replicas 3: only with scaling.mode Manual (otherwise the operator decides); the "
        "mode is "
        "Auto",
        id="replicas in Auto",
    ),
    pytest.param(
        manifest({"replicas": 3, "scaling": {"mode": "Advise"}}),
        "spec.replicas: Forbidden: replicas 3: only with scaling.mode Manual (otherwise the operator decides); the "
        "mode is "
        "Advise",
        id="replicas in Advise",
    ),
    pytest.param(
        scaling(mode="Manual"),
        "spec.replicas: Required value: scaling.mode Manual needs replicas, a number from 0 to maxReplicas 8",
        id="Manual without replicas",
    ),
    pytest.param(
        manifest({"replicas": 9, "scaling": {"mode": "Manual"}}),
        "spec.replicas: Invalid value: replicas 9 must not be above scaling.maxReplicas 8",
        id="Manual above maxReplicas",
    ),
    pytest.param(
        manifest({"replicas": -1, "scaling": {"mode": "Manual"}}),
        "spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or equal to 0",
        id="replicas below 0",
    ),
    pytest.param(
        scaling(mode="Off"),
        'spec.scaling.mode: Unsupported value: "Off": supported values: "Auto", "Advise", "Manual"',
        id="an unknown mode",
    ),
    pytest.param(
        scaling(paused="Off"),
        'spec.scaling.paused: Unsupported value: "Off": supported values: "Up", "Down", "Both"',
        id="an unknown direction",
    ),
    # limits and idle
    pytest.param(
        scaling(minReplicas=9),
        "spec.scaling: Invalid value: minReplicas 9 must not be above maxReplicas 8",
        id="minReplicas above maxReplicas",
    ),
    pytest.param(
        scaling(maxReplicas=0),
        "spec.scaling.maxReplicas: Invalid value: 0: spec.scaling.maxReplicas in body should be greater than or "
        "equal to 1",
        id="maxReplicas 0",
    ),
    pytest.param(
        scaling(maxReplicas=1001),
        "spec.scaling.maxReplicas: Invalid value: 1001: spec.scaling.maxReplicas in body should be less than or "
        "equal to "
        "1000",
        id="maxReplicas 1001",
    ),
    pytest.param(
        scaling(minReplicas=0),
        "spec.scaling.idle: Required value: minReplicas 0 needs idle.timeoutSeconds: seconds without a request "
        "before the "
        "last replica goes",
        id="zero without idle",
    ),
    pytest.param(
        scaling(idle={"timeoutSeconds": 600}),
        "spec.scaling.idle: Forbidden: idle goes with minReplicas 0 only (minReplicas is 1): the serving never "
        "goes below "
        "minReplicas",
        id="idle without zero",
    ),
    pytest.param(
        scaling(minReplicas=0, idle={"timeoutSeconds": 0}),
        "spec.scaling.idle.timeoutSeconds: Invalid value: 0: spec.scaling.idle.timeoutSeconds in body should be "
        "greater "
        "than or equal to 1",
        id="idle after 0 s",
    ),
    pytest.param(
        scaling(minReplicas=0, idle={"lastReplicaSeconds": 60}),
        "spec.scaling.idle.timeoutSeconds: Required value",
        id="time for the last replica alone",
    ),
    # schedules
    *(
        pytest.param(
            schedules({field: text}),
            f'spec.scaling.schedules[0].{field}: Invalid value: {field} "{text}" must be cron\'s five fields minute, '
            "hour, day, month and weekday, such as 0 8 * * MON-FRI",
            id=f"{field} {text}",
        )
        for field, text in (
            ("start", "60 8 * * *"),
            ("start", "0 24 * * *"),
            ("start", "0 8 0 * *"),
            ("start", "0 8 * 13 *"),
            ("end", "0 8 * * 8"),
            ("end", "0 8 * * Montag"),
            ("end", "0 0 8 * * *"),
            ("end", "*/0 8 * * *"),
        )
    ),
    pytest.param(
        schedules({"timeZone": "Mars/Olympus"}),
        "timeZone must be a name of the IANA database, such as Europe/Berlin or UTC",
        id="an unknown time zone",
    ),
    pytest.param(
        schedules({"timeZone": "+02:00"}),
        "spec.scaling.schedules[0].timeZone: Invalid value: timeZone must be a name of the IANA database, such as "
        "Europe/Berlin or UTC",
        id="an offset for a time zone",
    ),
    pytest.param(
        schedules({"minReplicas": 9}),
        "spec.scaling.schedules: Invalid value: no schedule may ask for more than maxReplicas 8",
        id="a schedule above maxReplicas",
    ),
    pytest.param(
        schedules({"minReplicas": 0}),
        "spec.scaling.schedules[0].minReplicas: Invalid value: 0: spec.scaling.schedules[0].minReplicas in body should "
        "be greater than or equal to 1",
        id="a schedule of no replica",
    ),
    pytest.param(
        schedules({"end": REMOVED}), "spec.scaling.schedules[0].end: Required value", id="a schedule without an end"
    ),
    pytest.param(
        schedules({}, {}),
        'spec.scaling.schedules: Invalid value: schedules need different names: ["office", "office"]',
        id="two schedules of one name",
    ),
    pytest.param(
        signals({"type": "Concurrency", "activation": -1}),
        "spec.scaling.signals[0].activation: Invalid value: -1: spec.scaling.signals[0].activation in body should be "
        "greater than or equal to 0",
        id="activation below 0",
    ),
    # burst
    pytest.param(
        scaling(burst={"threshold": 1}),
        "spec.scaling.burst.threshold: Invalid value: 1: spec.scaling.burst.threshold in body should be greater than 1",
        id="a burst that is no leap",
    ),
    pytest.param(
        scaling(burst={"windowSeconds": 1}),
        "spec.scaling.burst.windowSeconds: Invalid value: 1: spec.scaling.burst.windowSeconds in body should be "
        "greater than or equal to 5",
        id="a burst window below a bucket",
    ),
    # signals
    pytest.param(
        signals({"type": "CPU", "target": 80}),
        'spec.scaling.signals[0].type: Unsupported value: "CPU": supported values: "Concurrency", "QueueDepth", '
        '"Tokens", "KVCache", "Latency", "Erlang", "Combined", "Prometheus"',
        id="an unknown signal",
    ),
    pytest.param(
        signals({"type": "Concurrency"}, {"type": "QueueDepth"}),
        "spec.scaling.signals[1].target: Required value: type QueueDepth needs a target above 0; only Concurrency "
        "and KVCache have a default",
        id="QueueDepth without a target",
    ),
    pytest.param(
        signals({"type": "Concurrency", "target": 0}),
        "spec.scaling.signals[0].target: Invalid value: 0: spec.scaling.signals[0].target in body should be "
        "greater than 0",
        id="target 0",
    ),
    pytest.param(
        signals({"type": "Concurrency", "target": "22"}),
        'spec.scaling.signals[0].target: Invalid value: "string": spec.scaling.signals[0].target in body must be '
        "of type "
        'number: "string"',
        id="target as text",
    ),
    pytest.param(
        signals({"type": "Prometheus", "target": 5}),
        "spec.scaling.signals[0].query: Required value: type Prometheus needs a query in PromQL that answers with one "
        "number",
        id="Prometheus without a query",
    ),
    pytest.param(
        signals({"type": "Prometheus", "query": "sum(up)"}),
        "spec.scaling.signals[0].target: Required value: type Prometheus needs a target above 0; only Concurrency "
        "and KVCache have a default",
        id="Prometheus without a target",
    ),
    *(
        pytest.param(
            signals({"type": "Concurrency", field: content}),
            f"spec.scaling.signals[0].{field}: Forbidden: {field} goes with type Prometheus only; the type is "
            "Concurrency",
            id=f"{field} of a Concurrency signal",
        )
        for field, content in (
            ("query", "sum(up)"),
            ("targetType", "Value"),
            ("intervalSeconds", 30),
            ("emptyIsZero", True),
        )
    ),
    pytest.param(
        signals({"type": "Concurrency"}, {"type": "QueueDepth", "name": "Concurrency", "target": 4}),
        "spec.scaling.signals: Invalid value: signals need different names (without a name, a signal is called as its "
        'type): ["Concurrency", "Concurrency"]',
        id="two signals of one name",
    ),
    *(
        pytest.param(
            scaling(trigger="AnyFull", signals=[signal]),
            "spec.scaling.trigger: Invalid value: trigger AnyFull needs a Concurrency signal without a target: a "
            "replica is full at its slots",
            id=f"a trigger that looks at slots, with {what}",
        )
        for signal, what in (
            ({"type": "QueueDepth", "target": 4}, "no Concurrency signal"),
            ({"type": "Concurrency", "target": 4}, "a target"),
        )
    ),
    pytest.param(
        signals({"type": "Tokens"}),
        "spec.scaling.signals[0].target: Required value: type Tokens needs a target above 0",
        id="Tokens without a target",
    ),
    pytest.param(
        signals({"type": "KVCache", "target": 80}),
        "spec.scaling.signals[0].target: Invalid value: target 80 of type KVCache must be at most 1, which is the "
        "whole cache",
        id="a cache in percent",
    ),
    pytest.param(
        signals({"type": "Latency"}),
        "spec.scaling.signals[0]: Required value: type Latency needs a budget: ttftSeconds (to the first token), "
        "tpotSeconds (between tokens) or both",
        id="Latency without a budget",
    ),
    pytest.param(
        signals({"type": "Latency", "ttftSeconds": 3, "target": 4}),
        "spec.scaling.signals[0]: Forbidden: type Latency learns its target: it takes neither a target nor scales "
        "false",
        id="Latency with a target",
    ),
    pytest.param(
        signals({"type": "Latency", "ttftSeconds": 3, "percentile": 100}),
        "spec.scaling.signals[0].percentile: Invalid value: 100: spec.scaling.signals[0].percentile in body should be "
        "less than or equal to 99",
        id="a budget that all requests keep",
    ),
    *(
        pytest.param(
            signals({"type": "Concurrency", field: 60}),
            f"spec.scaling.signals[0].{field}: Forbidden: {field} goes with type Latency only; the type is Concurrency",
            id=f"{field} of a Concurrency signal",
        )
        for field in ("ttftSeconds", "tpotSeconds", "percentile")
    ),
    pytest.param(
        manifest(
            {
                "engine": {"kind": "TGI", "image": "tgi:3"},
                "scaling": {"signals": [{"type": "Latency", "tpotSeconds": 0.1}]},
            }
        ),
        "spec.scaling.signals: Forbidden: engine.kind TGI has no metric for signals of type Latency",
        id="the latency of an engine that does not tell",
    ),
    pytest.param(
        signals({"type": "Concurrency"}, {"type": "Combined", "target": 4}),
        "spec.scaling.signals[1].terms: Required value: type Combined needs terms: names of other signals of the list, "
        "each with its weight",
        id="Combined without terms",
    ),
    pytest.param(
        signals({"type": "Concurrency", "terms": [{"signal": "Concurrency"}]}),
        "spec.scaling.signals[0].terms: Forbidden: terms goes with type Combined only; the type is Concurrency",
        id="terms of a Concurrency signal",
    ),
    pytest.param(
        signals({"type": "Concurrency", "combine": "Max"}),
        "spec.scaling.signals[0].combine: Forbidden: combine goes with type Combined only; the type is Concurrency",
        id="combine of a Concurrency signal",
    ),
    *(
        pytest.param(
            signals({"type": "Concurrency"}, {"type": "Combined", "target": 4, "terms": [{"signal": term}]}),
            "spec.scaling.signals: Invalid value: terms must name signals of this list that are not Combined, Latency "
            "or Erlang",
            id=f"a term that is {what}",
        )
        for term, what in (("Heavy", "not in the list"), ("Combined", "the signal itself"))
    ),
    pytest.param(
        signals({"type": "Erlang"}, {"type": "Combined", "target": 4, "terms": [{"signal": "Erlang"}]}),
        "spec.scaling.signals: Invalid value: terms must name signals of this list that are not Combined, Latency or "
        "Erlang",
        id="an Erlang signal as a term",
    ),
    pytest.param(
        signals({"type": "Erlang", "target": 4}),
        "spec.scaling.signals[0].target: Forbidden: type Erlang has no target: waitSeconds and probability say what it "
        "is for",
        id="a target of an Erlang signal",
    ),
    *(
        pytest.param(
            signals({"type": "Concurrency", field: content}),
            f"spec.scaling.signals[0].{field}: Forbidden: {field} goes with type Erlang only; the type is Concurrency",
            id=f"{field} of a Concurrency signal",
        )
        for field, content in {"waitSeconds": 5, "probability": 0.1}.items()
    ),
    pytest.param(
        signals({"type": "Erlang", "waitSeconds": -1}),
        "spec.scaling.signals[0].waitSeconds: Invalid value: -1: spec.scaling.signals[0].waitSeconds in body should be "
        "greater than or equal to 0",
        id="a wait below 0",
    ),
    *(
        pytest.param(
            signals({"type": "Erlang", "probability": probability}),
            f"spec.scaling.signals[0].probability: Invalid value: {probability}: "
            f"spec.scaling.signals[0].probability in body should be {bound}",
            id=f"{probability} of the requests may wait",
        )
        for probability, bound in ((0, "greater than 0"), (0.9, "less than or equal to 0.5"))
    ),
    pytest.param(
        scaling(signals=[{"type": "Erlang"}], backlog={"policy": "Ignore"}),
        "spec.scaling.backlog.policy: Invalid value: backlog.policy Ignore leaves a signal of type Erlang without what "
        "it learns from the traffic",
        id="an Erlang signal that may learn nothing",
    ),
    pytest.param(
        signals({"type": "Concurrency"}, {"type": "Combined", "target": 4, "terms": [{"signal": "C", "weight": 0}]}),
        "spec.scaling.signals[1].terms[0].weight: Invalid value: 0: spec.scaling.signals[1].terms[0].weight in body "
        "should be greater than 0",
        id="a term of no weight",
    ),
    pytest.param(
        signals({"type": "Concurrency"}, {"type": "QueueDepth", "scales": False}),
        "spec.scaling.signals: Invalid value: a signal with scales false must be a term of a Combined signal, or it "
        "does nothing",
        id="a signal that does nothing",
    ),
    pytest.param(
        manifest({"engine": {"kind": "TGI", "image": "tgi:3"}, "scaling": {"signals": [{"type": "KVCache"}]}}),
        "spec.scaling.signals: Forbidden: engine.kind TGI has no metric for signals of type KVCache",
        id="the cache of an engine that does not tell",
    ),
    pytest.param(
        signals({"type": "Concurrency", "name": "in flight"}),
        'spec.scaling.signals[0].name: Invalid value: name "in flight" must be letters, digits and -, and begin with a '
        "letter",
        id="signal name with a space",
    ),
    pytest.param(
        signals(*({"type": "QueueDepth", "name": f"q{i}", "target": 1} for i in range(9))),
        "spec.scaling.signals: Too many: 9: must have at most 8 items",
        id="nine signals",
    ),
    # behavior
    pytest.param(
        up(policies=[{"type": "Nodes", "value": 1, "periodSeconds": 60}]),
        'spec.scaling.behavior.scaleUp.policies[0].type: Unsupported value: "Nodes": supported values: "Replicas", '
        '"Percent", "Pods"',
        id="a policy in nodes",
    ),
    pytest.param(
        up(policies=[{"type": "Replicas", "value": 0, "periodSeconds": 60}]),
        "spec.scaling.behavior.scaleUp.policies[0].value: Invalid value: 0: "
        "spec.scaling.behavior.scaleUp.policies[0].value "
        "in body should be greater than or equal to 1",
        id="a policy of 0",
    ),
    pytest.param(
        up(policies=[{"type": "Replicas", "value": 2, "periodSeconds": 1801}]),
        "spec.scaling.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: "
        "spec.scaling.behavior.scaleUp.policies[0].periodSeconds in body should be less than or equal to 1800",
        id="a period beyond half an hour",
    ),
    pytest.param(
        scaling(behavior={"scaleDown": {"stabilizationWindowSeconds": 3601}}),
        "spec.scaling.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 3601: "
        "spec.scaling.behavior.scaleDown.stabilizationWindowSeconds in body should be less than or equal to 3600",
        id="a window beyond an hour",
    ),
    pytest.param(
        up(selectPolicy="Median"),
        'spec.scaling.behavior.scaleUp.selectPolicy: Unsupported value: "Median": supported values: "Max", "Min", '
        '"Disabled"',
        id="an unknown selectPolicy",
    ),
    pytest.param(
        up(tolerance=1.5),
        "spec.scaling.behavior.scaleUp.tolerance: Invalid value: 1.5: spec.scaling.behavior.scaleUp.tolerance in body "
        "should be less than or equal to 1",
        id="tolerance above 1",
    ),
    # backlog
    pytest.param(
        scaling(backlog={"policy": "Sometimes"}),
        'spec.scaling.backlog.policy: Unsupported value: "Sometimes": supported values: "DrainAware", "Ignore"',
        id="backlog policy that does not exist",
    ),
    pytest.param(
        scaling(backlog={"drainHorizonSeconds": 0}),
        "spec.scaling.backlog.drainHorizonSeconds: Invalid value: 0: "
        "spec.scaling.backlog.drainHorizonSeconds in body should be greater than or equal to 1",
        id="no horizon",
    ),
    # fallback
    pytest.param(
        scaling(fallback={}),
        "spec.scaling.fallback.replicas: Required value: behavior Static needs replicas; only Current goes without",
        id="fallback without replicas",
    ),
    pytest.param(
        scaling(fallback={"replicas": 9}),
        "spec.scaling.fallback.replicas: Invalid value: replicas 9 must be between minReplicas 1 and maxReplicas 8",
        id="fallback above maxReplicas",
    ),
    pytest.param(
        scaling(minReplicas=2, fallback={"replicas": 1}),
        "spec.scaling.fallback.replicas: Invalid value: replicas 1 must be between minReplicas 2 and maxReplicas 8",
        id="fallback below minReplicas",
    ),
    pytest.param(
        scaling(fallback={"behavior": "Current", "replicas": 4}),
        "spec.scaling.fallback.replicas: Forbidden: replicas 4 has no meaning with behavior Current, which keeps "
        "what is "
        "there",
        id="fallback Current with replicas",
    ),
    # drain, startup, template
    pytest.param(
        manifest({"drain": {"timeoutSeconds": -1}}),
        "spec.drain.timeoutSeconds: Invalid value: -1: spec.drain.timeoutSeconds in body should be greater than or "
        "equal "
        "to 0",
        id="drain below 0",
    ),
    pytest.param(
        manifest({"startup": {"loadSeconds": 0}}),
        "spec.startup.loadSeconds: Invalid value: 0: spec.startup.loadSeconds in body should be greater than or "
        "equal to 1",
        id="no time to load",
    ),
    pytest.param(
        manifest({"template": "pod.yaml"}),
        'spec.template: Invalid value: "string": spec.template in body must be of type object: "string"',
        id="template as text",
    ),
]


@pytest.mark.promise("U23")
@pytest.mark.parametrize(("wrong", "sentence"), WRONG)
def test_apply_refuses_with_a_sentence(cluster: Cluster, namespace: str, wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ClusterError) as refusal:
        cluster.kubectl("apply", f"--namespace={namespace}", "--filename=-", stdin=yaml.safe_dump(wrong))
    assert sentence in str(refusal.value)
