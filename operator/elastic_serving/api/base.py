"""What every model of the resource has in common: frozen, camelCase outside, exact scalar types, its rules evaluated.

Numbers are as exact as the API server takes them: "32" is no integer; 32.0 is one, unless a CEL rule reads the field.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Strict, ValidationInfo, WithJsonSchema, model_validator
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from elastic_serving.api.rules import Rule

MAX_REPLICAS = 1000
"""Most replicas of one serving: the tested size."""
AS_FILE = "file"
"""Validation context of the strict form: the object is about to be created."""


def _whole(number: object) -> object:
    """32 for 32.0, as the API server stores it; everything else unchanged."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


Whole: TypeAlias = Annotated[int, Strict(), BeforeValidator(_whole)]
"""An integer that no rule reads: 32.0 is stored as 32."""
Exact: TypeAlias = Annotated[int, Strict()]
"""An integer that a rule reads: CEL refuses 32.0 ("expected int, got float64", seen on kube-apiserver 1.36.3)."""
Number: TypeAlias = Annotated[float, Strict()]
Truth: TypeAlias = Annotated[bool, Strict()]
Timestamp: TypeAlias = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time", "maxLength": 64})]
"""RFC 3339 in UTC, to the second."""
Free: TypeAlias = dict[str, Any]
"""An object whose fields the API server keeps and nobody checks here."""


def has_schema_default(field: FieldInfo) -> bool:
    """Does the CRD carry a default for this field? Absent objects and empty lists have none: they stay absent."""
    return not field.is_required() and field.get_default(call_default_factory=True) not in (None, (), PydanticUndefined)


class Model(BaseModel):
    """Base of all models. Unknown fields are ignored, unless the caller passes ``extra="forbid"`` (files)."""

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
        extra="ignore",
    )

    rules: ClassVar[tuple[Rule, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, given: object) -> object:
        """As the API server does it with every field it knows."""
        if not isinstance(given, Mapping) or None not in given.values():
            return given
        known = {field.alias or name for name, field in cls.model_fields.items()}
        return {name: content for name, content in given.items() if content is not None or name not in known}

    @model_validator(mode="after")
    def _rules_hold(self, info: ValidationInfo) -> "Model":
        as_file = info.context == AS_FILE
        broken = [rule for rule in self.rules if (as_file or not rule.transition) and not rule.holds(self)]
        if broken:
            raise ValueError("; ".join(rule.broken_sentence(self) for rule in broken))
        return self
