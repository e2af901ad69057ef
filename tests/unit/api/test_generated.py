"""What is generated from the models: current, bounded, and free of what the API server would refuse."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from elastic_serving.api.base import Model
from elastic_serving.api.crdgen import documents, main, memory_crd, serving_crd
from elastic_serving.api.structural import structural

ROOT = Path(__file__).parents[3]


def schema_of(definition: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


def fields_of(path: str, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema below (and including) ``schema`` with its path."""
    yield path, schema
    for name, below in schema.get("properties", {}).items():
        yield from fields_of(f"{path}.{name}", below)
    if "items" in schema:
        yield from fields_of(f"{path}[]", schema["items"])


SERVING_FIELDS = [
    pytest.param(path, schema, id=path)
    for part in ("spec", "status")
    for path, schema in fields_of(part, schema_of(serving_crd())["properties"][part])
]


@pytest.mark.parametrize("path", documents())
def test_a_generated_file_is_what_the_models_say(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == documents()[path], f"{path} is old: make generate"


def test_generating_writes_every_file(tmp_path: Path) -> None:
    main(tmp_path)
    written = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}
    assert written == {
        "crds/elasticservings.yaml",
        "crds/servingmemories.yaml",
        "docs/reference/elasticserving.md",
    }
    crd = yaml.safe_load((tmp_path / "crds/elasticservings.yaml").read_text(encoding="utf-8"))
    assert crd == serving_crd()


@pytest.mark.parametrize(("path", "schema"), SERVING_FIELDS)
def test_every_field_has_one_type_and_a_bound(path: str, schema: dict[str, Any]) -> None:
    """Without bounds the API server refuses the rules: it multiplies their cost with the largest possible object."""
    assert schema["type"] in {"object", "array", "string", "integer", "number", "boolean"}
    assert {"title", "anyOf", "oneOf", "allOf", "$ref", "nullable", "additionalProperties"}.isdisjoint(schema)
    match schema["type"]:
        case "array":
            assert "maxItems" in schema
            assert schema["x-kubernetes-list-type"] in {"atomic", "map"}
        case "string":
            assert "maxLength" in schema or "enum" in schema
        case "integer" if path.startswith("spec"):
            assert {"minimum", "maximum"} <= schema.keys()
        case "number" if path.startswith("spec"):
            assert {"minimum", "maximum"} <= schema.keys()


@pytest.mark.parametrize(("path", "schema"), SERVING_FIELDS)
def test_every_field_says_what_it_means(path: str, schema: dict[str, Any]) -> None:
    if not path.endswith("[]"):
        assert schema.get("description"), f"{path} has no description"


@pytest.mark.parametrize(
    ("path", "schema"),
    [row for row in SERVING_FIELDS if "default" in row.values[1]],  # type: ignore[operator]  # a dict
)
def test_every_default_of_a_number_or_word_is_explained(path: str, schema: dict[str, Any]) -> None:
    if schema["type"] != "object":
        assert "Default" in schema["description"], f"{path} does not say why its default is {schema['default']}"


def test_a_memory_is_one_bounded_text() -> None:
    properties = schema_of(memory_crd())["properties"]
    assert properties.keys() == {"apiVersion", "kind", "metadata", "state"}
    assert properties["state"]["type"] == "string"
    assert properties["state"]["maxLength"] == 1_000_000


def test_a_field_of_two_types_cannot_be_written() -> None:
    class Torn(Model):
        either: int | str

    with pytest.raises(Exception, match="a CRD has no unions"):
        structural(Torn)
