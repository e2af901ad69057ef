"""The ElasticServing of a YAML file, or the file, the line and the reason why there is none."""

import itertools
from collections.abc import Iterator, Sequence
from typing import IO

import yaml
from pydantic import ValidationError

from elastic_serving.api.labels import KIND
from elastic_serving.api.models import ElasticServing
from elastic_serving.api.parse import read_file, sentence
from elastic_serving.commands.refusal import Refused, name_of
from elastic_serving.errors import InvalidSpec


def read_manifest(file: IO[bytes]) -> ElasticServing:
    """The one ElasticServing in ``file``; documents of other kinds are passed over.

    Raises Refused with ``<file>:<line>: <field>: <reason>`` for each mistake.
    """
    name = name_of(file)
    try:
        documents = yaml.compose_all(file.read(), Loader=yaml.SafeLoader)
        found = [(node, yaml.SafeLoader("").construct_document(node)) for node in documents]
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise Refused(f"{name}{line}: not YAML: {error.problem or error.context}") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise Refused(f"{name}: not YAML: {error}") from None
    servings = [(node, content) for node, content in found if isinstance(content, dict) and content.get("kind") == KIND]
    if len(servings) != 1:
        raise Refused(f"{name}: {len(servings)} objects of kind {KIND}; exactly one is needed")
    node, content = servings[0]
    try:
        return read_file(content)
    except InvalidSpec as error:
        raise Refused("\n".join(_mistakes(name, node, error))) from None


def _mistakes(name: str, node: yaml.Node, error: InvalidSpec) -> Iterator[str]:
    """A sentence for each mistake, with the line of the innermost field that is written down."""
    if isinstance(error.__cause__, ValidationError):
        for detail in error.__cause__.errors(include_url=False):
            yield f"{name}:{_line(node, detail['loc'])}: {sentence(detail)}"


def _line(node: yaml.Node, location: Sequence[int | str]) -> int:
    """Line (from 1) of the field at ``location``, or of the nearest one above it that there is."""
    line = node.start_mark.line
    for step in location:
        below = _below(node, step)
        if below is None:
            break
        key, node = below
        line = key.start_mark.line
    return line + 1


def _below(node: yaml.Node, step: int | str) -> tuple[yaml.Node, yaml.Node] | None:
    """The key of a field and what stands behind it; an item of a list is its own key."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, content) for key, content in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        return next(((item, item) for item in itertools.islice(node.value, step, step + 1)), None)
    return None
