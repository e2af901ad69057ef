"""Generated files of the Helm chart: its copy of the CRDs, and the reference page of its values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from elastic_serving.api import crdgen

CHART: Final = Path("charts/elastic-serving")
_DOCUMENTATION: Final = "# -- "
_HEAD: Final = """<!-- Generated from charts/elastic-serving/values.yaml by `make generate`; edit that file instead. -->
# Values of the chart

What `helm install --set` and `--values` may set. `values.schema.json` refuses anything else, by name.

| value | default | meaning |
|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Value:
    """One documented value: its dotted path, its default as YAML, and its meaning in one paragraph."""

    path: str
    default: str
    meaning: str


def documents(root: Path = Path()) -> dict[str, str]:
    """Every generated file of the chart by its path in the repository; ``root`` is where the repository is."""
    copies = {f"{CHART}/files/{path}": text for path, text in crdgen.documents().items() if path.startswith("crds/")}
    page = values_page((root / CHART / "values.yaml").read_text(encoding="utf-8"))
    return {**copies, "docs/reference/values.md": page}


def values_page(text: str) -> str:
    """Markdown with one row for each documented value of the values file ``text``, in its order."""
    rows = [
        f"| `{value.path}` | {_code(value.default)} | {value.meaning.replace('|', chr(92) + '|')} |"
        for value in documented(text)
    ]
    return _HEAD + "\n".join(rows) + "\n"


def documented(text: str) -> list[Value]:
    """The values of the values file ``text``: each key has its comment (from ``# -- ``) right above it.

    A map with a comment is one value, and what is in it belongs to its default; a map without one is a heading.
    Raises ValueError for a value that no comment explains.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    return list(_values(root, "", text.splitlines())) if isinstance(root, yaml.MappingNode) else []


def _values(node: yaml.MappingNode, parent: str, lines: Sequence[str]) -> Iterator[Value]:
    for key, below in node.value:
        path = f"{parent}{key.value}"
        meaning = _comment_above(key.start_mark.line, lines)
        if meaning:
            yield Value(path, _as_yaml(below), meaning)
        elif isinstance(below, yaml.MappingNode) and below.value:
            yield from _values(below, f"{path}.", lines)
        else:
            raise ValueError(f"{path}: no comment that starts with {_DOCUMENTATION!r} stands right above it")


def _comment_above(line: int, lines: Sequence[str]) -> str:
    """The comment right above ``line`` (counted from 0), joined to one paragraph; empty if it is not documentation."""
    first = line
    while first > 0 and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    comment = [text.lstrip() for text in lines[first:line]]
    if not comment or not comment[0].startswith(_DOCUMENTATION):
        return ""
    return " ".join(
        [comment[0].removeprefix(_DOCUMENTATION), *(text.removeprefix("#").strip() for text in comment[1:])]
    )


def _as_yaml(node: yaml.Node) -> str:
    value = yaml.safe_load(yaml.serialize(node))
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False)
    return text.removesuffix("\n").removesuffix("\n...")


def _code(default: str) -> str:
    return "empty" if default == "''" else f"`{default}`"
