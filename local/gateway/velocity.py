"""Apache Velocity 1.7 by airspeed-ext, corrected where that differs. Sources: Velocity User Guide, java.lang.String.

In Velocity a reference to null or false is false and any other is true, also one to an empty string or 0. In
airspeed-ext an undefined reference is true in `#if`, and Python's empty values are false. A value `#set` in a
`#foreach` stays set after it. docs/adr/0012-velocity-on-one-machine.md says what was compared and what still differs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from airspeed import Template, TemplateError, operators

from local.gateway.errors import ConfigurationError


def render(template: str, variables: Mapping[str, Any]) -> str:
    """The rendered text. Raises ConfigurationError for a template that cannot be parsed or rendered."""
    try:
        return str(_compiled(template).merge(dict(variables)))
    except TemplateError as error:
        raise ConfigurationError(str(error)) from error


@lru_cache(maxsize=64)
def _compiled(template: str) -> Any:
    compiled = Template(template)
    compiled.ensure_compiled()
    return compiled


def _is_true(value: Any) -> bool:
    return value is not None and value is not False


def _condition(self: Any, namespace: Any, loader: Any) -> bool:
    return _is_true(self.expression.calculate(namespace, loader))


def _negation(self: Any, namespace: Any, loader: Any) -> bool:
    return not _is_true(self.value.calculate(namespace, loader))


def _set(self: Any, name: str, value: Any) -> None:
    holder = self.find_outermost(name)
    (self.top() if holder is None else holder)[name] = value


def _substring(text: str, start: int, end: int | None = None) -> str:
    end = len(text) if end is None else end
    if not 0 <= start <= end <= len(text):
        raise IndexError(f"substring({start}, {end}) of {len(text)} characters")
    return text[start:end]


def _correct() -> None:
    operators.Condition.calculate = _condition
    operators.UnaryOperatorValue.calculate = _negation
    operators.boolean_value = _is_true
    operators.LocalNamespace.set_inherited = _set
    operators.__additional_methods__[str] |= {
        "equalsIgnoreCase": lambda text, other: text.lower() == other.lower(),
        "endsWith": lambda text, end: text.endswith(end),
        "substring": _substring,
        "matches": lambda text, pattern: re.fullmatch(pattern, text, re.ASCII) is not None,
    }


_correct()
