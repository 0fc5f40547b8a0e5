"""The price list: `prices.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).parent / "prices.toml"
CHECKED: Final = ("read", "quoted", "not checked")
"""How far a price can be relied on: see `prices.toml`."""


@dataclass(frozen=True, kw_only=True)
class Price:
    """US dollars for one unit, and where they come from."""

    dollars: Decimal
    per: str
    page: str
    checked: str
    read: date
    note: str = ""

    @property
    def source(self) -> str:
        """AWS's page, and how far the price was checked there."""
        return f"{self.page} ({self.checked})"


@dataclass(frozen=True, kw_only=True)
class PriceList:
    """Prices by name, what is assumed, and the types of resources that cost nothing by themselves, with the reason."""

    prices: Mapping[str, Price]
    assumptions: Mapping[str, int]
    free: Mapping[str, str]

    def dollars(self, name: str) -> Decimal:
        """A price by its name."""
        return self.prices[name].dollars

    @property
    def hours(self) -> int:
        """Of a month."""
        return self.assumptions["hours_a_month"]


def read_prices(path: Path = FILE) -> PriceList:
    """The price list. Raises ValueError for a price that does not say how far it was checked."""
    content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    prices = {name: Price(**{**each, "dollars": Decimal(each["dollars"])}) for name, each in content["prices"].items()}
    for name, each in prices.items():
        if each.checked not in CHECKED:
            raise ValueError(f"the price {name} was {each.checked}, which is none of {', '.join(CHECKED)}")
    return PriceList(prices=prices, assumptions=content["assumptions"], free=content["free"])


def dollars(amount: Decimal) -> str:
    """An amount with cents, rounded half up."""
    return f"${amount.quantize(Decimal('0.01'), 'ROUND_HALF_UP'):,}"
