"""The resources of an environment's templates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from local.machine.errors import UnpricedError

Template: TypeAlias = Mapping[str, Any]
Properties: TypeAlias = Mapping[str, Any]

MEGABYTES: Final = 1024
"""Of a GB, as Lambda counts memory."""


class Resources:
    """All resources of an environment."""

    def __init__(self, templates: Iterable[Template]) -> None:
        self._all = [each for template in templates for each in template["Resources"].values()]

    def of(self, kind: str) -> Iterator[Properties]:
        """The properties of each resource of a type."""
        return (each.get("Properties", {}) for each in self._all if each["Type"] == kind)

    def refuse_unknown(self, known: Iterable[str]) -> None:
        """Raises UnpricedError for a type that is not known."""
        unknown = sorted({each["Type"] for each in self._all} - set(known))
        if unknown:
            raise UnpricedError(
                f"Nobody said what {', '.join(unknown)} costs: say it in local/costs/at_rest.py, or under [free] in "
                "local/costs/prices.toml."
            )
