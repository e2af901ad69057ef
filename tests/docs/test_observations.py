"""The pages about observations: the example is one, and the commands print what the pages say."""

import json
from pathlib import Path

import jsonschema
from click.testing import CliRunner

from dev.observations import EXAMPLE
from elastic_serving.cli import main
from elastic_serving.report.observation import Observation

ROOT = Path(__file__).parents[2]


def test_the_example_is_what_the_schema_says() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 3
    for line in lines:
        jsonschema.validate(json.loads(line), Observation.model_json_schema())


def test_the_page_shows_what_decide_prints() -> None:
    page = (ROOT / "docs" / "how-to" / "ask-what-it-would-decide.md").read_text(encoding="utf-8")
    command = page.partition("$ elastic-serving ")[2].partition("\n")[0].split()
    result = CliRunner().invoke(main, [str(ROOT / part) if "/" in part else part for part in command])
    printed = result.stdout.splitlines()[:5]
    assert "\n".join(f"    {line}" for line in printed) in page
