"""VTL that checks the fields of an asynchronous command and refuses the first wrong one by name.

Made from the command classes: what is wrong at the door is what the processor would refuse later, save for what needs
a calendar or a clock. `$input.path` gives a field's value, as text what it holds; `$input.json` tells a text, which
begins with a quotation mark, from a number. A null and an absent field are both empty. Sources: API Gateway Developer
Guide, "Variables for data models, authorizers, mapping templates, and CloudWatch access logging"; java.lang.String.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import inspect

from lambdas.accounts.commands import COMMANDS
from lambdas.accounts.text import FORM
from lambdas.contracts.expectations import TAG_FIELD, expectation, expected_type, fields_of

Commands = Sequence[type[msgspec.Struct]]

_BEGIN, _END = "^", r"(?!\n)$"


class FieldNotCheckableError(TypeError):
    """No condition of a template is known for a field of this type."""


def field_checks(commands: Commands = COMMANDS) -> str:
    """VTL that sets `$refused` to the name of what is wrong, if it is empty and something is."""
    taken = {each.__name__: fields_of(each) for each in commands}
    needed = {name: [field for field, info in fields.items() if info.required] for name, fields in taken.items()}
    lines = [
        f"#set($fields_taken = {_map(taken)})",
        f"#set($fields_needed = {_map(needed)})",
        f"#set($kind = \"$!input.path('$.{TAG_FIELD}')\")",
        '#set($taken = "$!fields_taken.get($kind)")',
        '#set($needed = "$!fields_needed.get($kind)")',
        f'#if($refused == "" && $taken == "")\n#set($refused = \'#{_wrong(TAG_FIELD)}\')\n#end',
        *(_check(name, condition) for name, condition in _conditions(commands)),
    ]
    return "\n".join(lines)


def field_refusals(problem: Callable[[str, str], str], commands: Commands = COMMANDS) -> dict[str, str]:
    """The answer for each name that `field_checks` sets; `problem` makes it, from the field and what is wrong."""
    answers = {_wrong(TAG_FIELD): problem(TAG_FIELD, f"must be {expected_type(commands)}")}
    for name, _ in _conditions(commands):
        command = next(each for each in commands if name in fields_of(each))
        answers[_foreign(name)] = problem(name, "must be left out: a command of this type has no such field")
        answers[_wrong(name)] = problem(name, f"must be {expectation(command, name)}")
    return answers


def _wrong(name: str) -> str:
    return f"refused_value_{name}_"


def _foreign(name: str) -> str:
    return f"refused_field_{name}_"


def _map(names: dict[str, Any]) -> str:
    """A map of texts, each a list of names between commas."""
    return "{" + ", ".join(f'"{command}": ",{",".join(each)},"' for command, each in names.items()) + "}"


def _conditions(commands: Commands) -> Iterator[tuple[str, str]]:
    """Each field once, and what its value must fulfil."""
    known: dict[str, str] = {}
    for command in commands:
        for name, field in fields_of(command).items():
            condition = _condition(field.type, f"{command.__name__}.{name}")
            if known.setdefault(name, condition) != condition:
                raise FieldNotCheckableError(f"{command.__name__}.{name} is of another type than in another command")
    yield from known.items()


def _check(name: str, condition: str) -> str:
    return "\n".join(
        [
            f"#set($value = \"$!input.path('$.{name}')\")",
            f"#set($json = $input.json('$.{name}'))",
            f'#if($refused == "" && $value == "" && $needed.contains(\',{name},\'))',
            f"#set($refused = '#{_wrong(name)}')",
            f'#elseif($refused == "" && $value != "" && !$taken.contains(\',{name},\'))',
            f"#set($refused = '#{_foreign(name)}')",
            f'#elseif($refused == "" && $value != "" && !({condition}))',
            f"#set($refused = '#{_wrong(name)}')",
            "#end",
        ]
    )


def _condition(kind: Any, place: str, form: str | None = None) -> str:
    """The condition on `$value` and `$json`. Raises FieldNotCheckableError."""
    if isinstance(kind, inspect.Metadata):
        return _condition(kind.type, place, (kind.extra or {}).get(FORM))
    if isinstance(kind, inspect.IntType):
        return f"$value.matches('{_integer(kind, place)}') && !$json.startsWith('\"')"
    if isinstance(kind, inspect.LiteralType):
        return f"$value.matches('{'|'.join(map(str, kind.values))}') && $json.startsWith('\"')"
    if isinstance(kind, inspect.StrType) and (pattern := form or kind.pattern):
        longest = "" if kind.max_length is None else f" && $value.length() <= {kind.max_length}"
        return f"$value.matches('{pattern.removeprefix(_BEGIN).removesuffix(_END)}') && $json.startsWith('\"'){longest}"
    raise FieldNotCheckableError(f"{place} cannot be checked by the gateway: give its type a pattern, FORM or bounds")


def _integer(kind: inspect.IntType, place: str) -> str:
    """A pattern for the decimal digits, of 0 or 1 to a number of nines."""
    digits = len(str(kind.le))
    if kind.ge not in (0, 1) or kind.le != 10**digits - 1:
        raise FieldNotCheckableError(f"{place} has bounds that no pattern is known for")
    return f"{'0|' if kind.ge == 0 else ''}[1-9][0-9]{{0,{digits - 1}}}"


NO_OTHER_FIELDS: Final = "a JSON object in UTF-8, not compressed, without an empty text and with no field but"
"""What a body must be that the model refuses; the names follow."""
