"""Rules between fields, each declared once: CEL text for the API server, a predicate for files, one sentence for both.

A rule stands on the model whose fields it compares (``rules`` of the class). ``crdgen`` writes it into the CRD as an
``x-kubernetes-validations`` entry; ``base.Model`` evaluates the predicate. tests/property/test_api_both_ways.py holds
the two forms together against a real API server.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import Any, TypeAlias

from pydantic.alias_generators import to_snake

Read: TypeAlias = Callable[[Any], object]


class Kind(StrEnum):
    """How the API server introduces the sentence: ``Invalid value``, ``Required value`` or ``Forbidden``."""

    INVALID = "FieldValueInvalid"
    REQUIRED = "FieldValueRequired"
    FORBIDDEN = "FieldValueForbidden"


@dataclass(frozen=True, slots=True)
class Value:
    """One value that the sentence quotes: as a CEL expression and as a reader of the model."""

    cel: str
    read: Read


def value(path: str) -> Value:
    """The value at a dotted path of the CRD's names: ``value("fallback.replicas")``."""
    return Value(f"self.{path}", attrgetter(".".join(to_snake(part) for part in path.split("."))))


@dataclass(frozen=True, slots=True)
class Rule:
    """``cel`` and ``holds`` say the same; ``sentence`` has one ``%s`` for each of ``values``.

    ``path`` names the field below the model that the error points at (``.minReplicas``), empty for the model itself.
    A ``transition`` rule compares with the old object (``oldSelf`` is an optional): its predicate holds the new object
    against nothing, as on creation, and is therefore only asked for files.
    """

    cel: str
    holds: Callable[[Any], bool]
    sentence: str
    values: tuple[Value, ...] = ()
    path: str = ""
    kind: Kind = Kind.INVALID
    transition: bool = False

    def broken_sentence(self, model: object) -> str:
        """What the user reads, with the values of ``model`` in it."""
        return self.sentence % tuple(v.read(model) for v in self.values)

    def message_expression(self) -> str:
        """The sentence as a CEL expression. ``%s`` of format() takes every type; string(int) is over CEL's budget."""
        text = cel_string(self.sentence)
        return f"{text}.format([{', '.join(v.cel for v in self.values)}])" if self.values else text


def cel_string(text: str) -> str:
    """``text`` as a CEL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def shaped(path: str, pattern: str, sentence: str, *, optional: bool = False) -> Rule:
    """A string field matches ``pattern`` as a whole; the sentence quotes the value.

    The pattern keeps to what Go's RE2 and Python's re read alike: ASCII classes, no backslash classes, no look-around.
    """
    name = to_snake(path)
    compiled = re.compile(pattern, re.ASCII)

    def holds(model: object) -> bool:
        text = getattr(model, name)
        return (optional and text is None) or compiled.fullmatch(text) is not None

    cel = f"self.{path}.matches({cel_string(f'^(?:{pattern})$')})"
    return Rule(
        cel=f"!has(self.{path}) || {cel}" if optional else cel,
        holds=holds,
        sentence=sentence,
        values=(value(path),),
        path=f".{path}",
    )
