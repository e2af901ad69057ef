"""The reference page of the resource: one row for each field, from the schema the API server gets."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_HEAD: Final = """<!-- Generated from operator/elastic_serving/api by `make generate`; edit the models instead. -->
# ElasticServing, field by field

`apiVersion: elasticserving.io/v1alpha1`, `kind: ElasticServing`, short name `es`.
`kubectl explain es.spec` prints the same. A field in **bold** must be given where its parent is given.

"""


def reference_page(schema: Mapping[str, Any]) -> str:
    """Markdown with a table of spec, a table of status, and the rules between fields."""
    return _HEAD + "\n".join(
        [
            "## spec\n",
            *_table("spec", schema["properties"]["spec"]),
            "\n## status\n",
            *_table("status", schema["properties"]["status"]),
            "\n## Rules between fields\n",
            "The API server refuses a manifest that breaks one, with this sentence (`%s` stands for the value).\n",
            *_rules("", schema),
            "",
        ]
    )


def _table(path: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield "| field | type | default | meaning |"
    yield "|---|---|---|---|"
    yield from _rows(path, schema)


def _rows(path: str, schema: Mapping[str, Any]) -> Iterator[str]:
    for name, field in schema.get("properties", {}).items():
        below = f"{path}.{name}"
        shown = f"**{below}**" if name in schema.get("required", ()) else below
        meaning = field.get("description", "").replace("|", "\\|")
        yield f"| {shown} | {_type(field)} | {_default(field)} | {meaning} |"
        yield from _rows(f"{below}[]", field["items"]) if field["type"] == "array" else _rows(below, field)


def _type(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(field["enum"])
    if field["type"] == "array":
        return f"list, at most {field['maxItems']}" if "maxItems" in field else "list"
    if "minimum" in field:
        return f"{field['type']}, {_range(field)}"
    if "maxLength" in field:
        return f"{field['type']}, at most {field['maxLength']} characters"
    return str(field["type"])


def _range(field: Mapping[str, Any]) -> str:
    lowest, highest = field["minimum"], field.get("maximum")
    if lowest == highest:
        return str(lowest)
    lower = f"{'above' if field.get('exclusiveMinimum') else 'from'} {lowest:,}"
    return lower if highest is None else f"{lower} to {highest:,}"


def _default(field: Mapping[str, Any]) -> str:
    """The default of a number or word; those of an object stand at the fields below it."""
    return f"`{field['default']}`" if "default" in field and field["type"] != "object" else ""


def _rules(path: str, schema: Mapping[str, Any]) -> Iterator[str]:
    for rule in schema.get("x-kubernetes-validations", ()):
        sentence = rule.get("message") or rule["messageExpression"].removeprefix("'").partition("'.format(")[0]
        yield f"- `{path or 'metadata'}`: {sentence}"
    for name, field in schema.get("properties", {}).items():
        below = f"{path}.{name}".removeprefix(".")
        yield from _rules(f"{below}[]", field["items"]) if field["type"] == "array" else _rules(below, field)
