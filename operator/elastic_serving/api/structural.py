"""Structural OpenAPI schemas of the models, as CustomResourceDefinitions want them.

pydantic's own generator is asked for something else in the few places where JSON Schema and Kubernetes differ:
no titles, no null, no unions, exclusive bounds as a flag, rules as ``x-kubernetes-validations``, list types, and no
references. Kubernetes documents the rules as "structural schema"; what this cannot express raises.
"""

from collections.abc import Sequence
from typing import Any

from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema, to_jsonable_python

from elastic_serving.api.base import Model, has_schema_default
from elastic_serving.api.rules import Rule

_MAP_KEYS = {"conditions": ["type"]}
"""Lists that server-side apply merges by a key; all others are replaced whole."""
_BOUNDS = {"ge": "minimum", "le": "maximum"}
"""pydantic leaves bounds that stand behind a validator function under its own names."""


def structural(model: type[Model]) -> dict[str, Any]:
    """The schema of ``model`` with every reference replaced by what it refers to."""
    schema = model.model_json_schema(by_alias=True, schema_generator=_Structural)
    inlined: dict[str, Any] = _inline(schema, schema.pop("$defs", {}))
    return inlined


class _Structural(GenerateJsonSchema):
    """pydantic's JSON Schema in Kubernetes' dialect."""

    def field_title_should_be_set(self, _schema: object) -> bool:
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        cls = schema["cls"]
        found = super().model_schema(schema)
        found.pop("title", None)
        if rules := getattr(cls, "rules", ()):
            found["x-kubernetes-validations"] = [_validation(rule) for rule in rules]
        for name, field in cls.model_fields.items():
            content = found["properties"][field.alias or name]
            content.pop("default", None)
            content |= {theirs: content.pop(ours) for ours, theirs in _BOUNDS.items() if ours in content}
            if "description" in content:
                content["description"] = " ".join(content["description"].split())
            if has_schema_default(field):
                default = field.get_default(call_default_factory=True)
                content["default"] = (
                    _spelled_out(default) if isinstance(default, Model) else self.encode_default(default)
                )
            if content.get("type") == "array":
                content |= _list_type(name)
        return found

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        values = [member.value for member in schema["members"]]
        return {"type": "string", "enum": values}

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        return {"type": "string", "enum": list(schema["expected"])}

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        found = super().float_schema(schema)
        if "exclusiveMinimum" in found:
            found |= {"minimum": found["exclusiveMinimum"], "exclusiveMinimum": True}
        return found

    def dict_schema(self, _schema: core_schema.DictSchema) -> JsonSchemaValue:
        return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}

    def get_union_of_schemas(self, schemas: list[JsonSchemaValue]) -> JsonSchemaValue:
        raise PydanticInvalidForJsonSchema(f"a CRD has no unions; use sibling fields and a rule: {schemas}")


def _spelled_out(default: object) -> Any:
    """A default with the defaults inside it: the API server holds a bare ``{}`` against the rules unfilled."""
    if not isinstance(default, Model):
        return to_jsonable_python(default)
    return {
        field.alias or name: _spelled_out(getattr(default, name))
        for name, field in type(default).model_fields.items()
        if has_schema_default(field)
    }


def _validation(rule: Rule) -> dict[str, Any]:
    entry: dict[str, Any] = {"rule": rule.cel}
    entry |= {"messageExpression": rule.message_expression()} if rule.values else {"message": rule.sentence}
    entry["reason"] = rule.kind.value
    if rule.path:
        entry["fieldPath"] = rule.path
    if rule.transition:
        entry["optionalOldSelf"] = True
    return entry


def _list_type(name: str) -> dict[str, Any]:
    if keys := _MAP_KEYS.get(name):
        return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys}
    return {"x-kubernetes-list-type": "atomic"}


def _inline(schema: Any, definitions: dict[str, Any]) -> Any:
    """``schema`` without references; what stands beside a reference (the field's description) wins."""
    if isinstance(schema, dict):
        target = schema.get("$ref")
        if isinstance(target, str):
            found = definitions[target.removeprefix("#/$defs/")] | schema
            return _inline({key: part for key, part in found.items() if key not in ("$ref", "title")}, definitions)
        return {key: _inline(part, definitions) for key, part in schema.items()}
    if isinstance(schema, Sequence) and not isinstance(schema, str):
        return [_inline(part, definitions) for part in schema]
    return schema
