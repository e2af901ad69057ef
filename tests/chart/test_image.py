"""What the Dockerfile promises about the image, as far as it can be read; building it needs a base image."""

import re

import yaml

from tests.chart.rendering import CHART

ROOT = CHART.parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SENT = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]


def test_the_image_runs_as_the_user_of_the_chart() -> None:
    # A number: with a name the kubelet cannot tell whether runAsNonRoot holds.
    (user,) = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)
    security = yaml.safe_load((CHART / "values.yaml").read_text())["podSecurityContext"]
    assert user == (str(security["runAsUser"]), str(security["runAsGroup"]))


def test_everything_that_is_installed_has_a_hash() -> None:
    installs = re.findall(r"(?:install|wheel) --.*", DOCKERFILE)
    assert installs
    for install in installs:
        assert "--require-hashes" in install or "--no-index" in install


def test_the_pin_of_the_build_tool_is_found_with_its_hashes() -> None:
    (first, last) = re.findall(r"sed -n '/(.*)/,/(.*)/p' requirements-dev.lock", DOCKERFILE)[0]
    lines = (ROOT / "requirements-dev.lock").read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if re.match(first, line))
    pin = lines[start : next(i for i, line in enumerate(lines[start:], start) if re.match(last, line)) + 1]
    assert sum("--hash=sha256:" in line for line in pin) >= 1
    assert [line for line in pin if "==" in line] == [pin[0]]


def test_only_what_is_copied_is_sent_to_the_builder() -> None:
    assert SENT[0] == "*"
    sent = {line.removeprefix("!") for line in SENT if line.startswith("!")}
    copies = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    assert {source for sources in copies for source in sources.split()} == sent
