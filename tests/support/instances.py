"""Commands and events of any class, at random: what has no strategy of its own is drawn from the field's bounds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import hypothesis.strategies as st
from msgspec import Struct, inspect

S = TypeVar("S", bound=Struct)


def instances(classes: Iterable[type[S]], known: Mapping[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[S]:
    """Any of the classes, all alike often. `known` holds strategies by the name of a field; optional others stay unset.

    Raises TypeError for a required field that has neither a strategy nor bounds to draw from.
    """
    return st.one_of([st.builds(cls, **_fields(cls, known)) for cls in classes])


def _fields(cls: type[Struct], known: Mapping[str, st.SearchStrategy[Any]]) -> dict[str, st.SearchStrategy[Any]]:
    kind = inspect.type_info(cls)
    assert isinstance(kind, inspect.StructType)
    return {
        field.name: known[field.name] if field.name in known else _within_bounds(cls, field)
        for field in kind.fields
        if field.name in known or field.required
    }


def _within_bounds(cls: type[Struct], field: inspect.Field) -> st.SearchStrategy[Any]:
    kind = field.type.type if isinstance(field.type, inspect.Metadata) else field.type
    match kind:
        case inspect.IntType(ge=low, le=high):
            return st.integers(low, high)
        case inspect.StrType(pattern=str(pattern)):
            return st.from_regex(re.compile(pattern), fullmatch=True)
        case inspect.BoolType():
            return st.booleans()
        case inspect.LiteralType(values=values):
            return st.sampled_from(values)
        case _:
            raise TypeError(f"{cls.__name__}.{field.name} needs a strategy, by its name, from the test")
