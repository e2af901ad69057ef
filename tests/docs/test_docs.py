"""The documentation names only what is there: manifests that parse, links that lead somewhere, reasons, targets."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from elastic_serving.api import conditions
from elastic_serving.api.labels import KIND
from elastic_serving.api.parse import read_file
from elastic_serving.kube.api import Object
from elastic_serving.report import conditions as reported
from elastic_serving.report import events as told
from elastic_serving.scaling.model import ScalingLimit

ROOT = Path(__file__).parents[2]
TROUBLES = ROOT / "docs" / "how-to" / "when-something-is-wrong.md"
PAGES = sorted(path for pattern in ("*.md", "docs/**/*.md", "examples/*.md", "dev/*.md") for path in ROOT.glob(pattern))
EXAMPLES = sorted(ROOT.glob("examples/*.yaml"))

_FENCE = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:)([^)\s#]*)(?:#([^)\s]+))?\)")
_TARGET = re.compile(r"(?:^ {4}|`)make ([a-z][a-z-]*)", re.MULTILINE)
_ROW = re.compile(r"^\| (`[^|]+?) \|", re.MULTILINE)

REASONS = {value for value in vars(conditions).values() if isinstance(value, str)} - {*conditions.CONDITION_TYPES}
LIMITS = {limit.value for limit in ScalingLimit}


def name(path: Path) -> str:
    """The path in the repository, as a test's id."""
    return str(path.relative_to(ROOT))


def blocks(path: Path) -> Iterator[Object]:
    """Every YAML document of a page's fenced blocks, or of a YAML file."""
    text = path.read_text(encoding="utf-8")
    for block in [text] if path.suffix == ".yaml" else _FENCE.findall(text):
        yield from (document for document in yaml.safe_load_all(block) if isinstance(document, dict))


MANIFESTS = [
    pytest.param(document, id=f"{name(path)} {number}")
    for path in (*PAGES, *EXAMPLES)
    for number, document in enumerate(blocks(path))
    if document.get("kind") == KIND
]
SIGNALS = [
    pytest.param(document["signals"], id=f"{name(path)} {number}")
    for path in PAGES
    for number, document in enumerate(blocks(path))
    if set(document) == {"signals"}
]


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_a_manifest_is_what_kubectl_apply_would_take(manifest: Object) -> None:
    read_file(manifest)


@pytest.mark.parametrize("signals", SIGNALS)
def test_a_list_of_signals_fits_into_a_manifest(signals: list[Object]) -> None:
    smallest = yaml.safe_load((ROOT / "examples" / "quickstart.yaml").read_text(encoding="utf-8"))
    smallest["spec"]["scaling"]["signals"] = signals
    read_file(smallest)


def anchors(path: Path) -> set[str]:
    """What a link may name behind #: headings in lower case, punctuation gone, spaces as hyphens."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = _LINK.findall(page.read_text(encoding="utf-8"))
    targets = [(link, anchor, page.parent / link if link else page) for link, anchor in links]
    lost = [link for link, _, target in targets if not target.exists()]
    lost += [f"{link}#{anchor}" for link, anchor, target in targets
             if anchor and target.suffix == ".md" and target.exists() and anchor not in anchors(target)]  # fmt: skip
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_make_target_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(_TARGET.findall(page.read_text(encoding="utf-8"))) <= targets


def reasons_of(module: str) -> set[str]:
    """Values of the names of api/conditions.py that the code in the file ``module`` uses."""
    tree = ast.parse(Path(module).read_text(encoding="utf-8"))
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "reason"
    }
    values = {getattr(conditions, attribute) for attribute in used}
    return {value for value in values if isinstance(value, str)} - {*conditions.CONDITION_TYPES}


def explained() -> set[str]:
    """The words in the first columns of the tables of the page that is read at night."""
    cells = _ROW.findall(TROUBLES.read_text(encoding="utf-8"))
    return {word for cell in cells for word in re.findall(r"`([^`]+)`", cell)}


def test_the_page_for_the_night_explains_every_reason_there_can_be() -> None:
    assert reasons_of(reported.__file__) | reasons_of(told.__file__) | LIMITS <= explained()


def test_the_page_for_the_night_explains_no_reason_that_cannot_be() -> None:
    assert explained() <= REASONS | LIMITS
    assert explained() <= reasons_of(reported.__file__) | reasons_of(told.__file__) | LIMITS


def test_the_tables_and_manifests_are_found_at_all() -> None:
    assert len(explained()) > 30
    assert len(MANIFESTS) >= 6
    assert len(SIGNALS) >= 5
