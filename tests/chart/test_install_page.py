"""The page that tells how to install: what it says for copying is what the chart does."""

import re
import shlex

import yaml

from tests.chart.rendering import CHART, FULLNAME, MONITORING, Chart, Object

PAGE = (CHART.parents[1] / "docs" / "how-to" / "install.md").read_text()
BLOCKS: list[Object] = [
    block for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) for block in yaml.safe_load_all(text)
]


def test_the_scrape_config_finds_and_names_what_the_pod_monitors_do(chart: Chart) -> None:
    (configuration,) = [block for block in BLOCKS if "scrape_configs" in block]
    jobs = {job["job_name"]: job for job in configuration["scrape_configs"]}
    for part in ("engines", "operator"):
        monitor = chart.one("PodMonitor", f"{FULLNAME}-{part}", served=MONITORING)["spec"]
        job, (endpoint,) = jobs[f"elastic-serving-{part}"], monitor["podMetricsEndpoints"]
        assert _selected(job).items() <= monitor["selector"]["matchLabels"].items()
        assert job["scrape_interval"] == endpoint["interval"]
        assert job.get("honor_labels", False) == endpoint.get("honorLabels", False)
        relabeled = {(*rule["source_labels"], rule["target_label"]) for rule in job["relabel_configs"] if _copies(rule)}
        wanted = {(*rule["sourceLabels"], rule["targetLabel"]) for rule in endpoint.get("relabelings", ())}
        assert wanted <= relabeled
        kept = [rule["regex"] for rule in job["relabel_configs"] if rule.get("action") == "keep"]
        assert kept == [endpoint["port"]]


def test_values_that_the_page_shows_are_accepted(chart: Chart) -> None:
    examples = [block for block in BLOCKS if "scrape_configs" not in block]
    assert len(examples) == 7
    for values in examples:
        assert chart.render(values)


def test_settings_of_the_first_command_are_accepted(chart: Chart) -> None:
    (command,) = re.findall(r"helm upgrade --install (?:.*\\\n)+.*", PAGE)
    settings = [word for word in shlex.split(command) if "=" in word]
    assert settings
    for setting in settings:
        path, _, value = setting.partition("=")
        assert chart.render(_nested(path.split("."), value))


def _nested(path: list[str], value: str) -> Object:
    head, *rest = path
    return {head: _nested(rest, value) if rest else value}


def _selected(job: Object) -> dict[str, str]:
    (discovery,) = job["kubernetes_sd_configs"]
    (selector,) = discovery["selectors"]
    return dict(term.split("=") for term in selector["label"].split(","))


def _copies(rule: Object) -> bool:
    return "action" not in rule
