"""Which licences the packages have, held against the policy in `licences.toml`."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.audit.verdict import Outcome, Verdict

POLICY_FILE = Path(__file__).parent / "licences.toml"


@dataclass(frozen=True, kw_only=True)
class Package:
    """An installed package and its licence, as its own metadata says it."""

    name: str
    version: str
    licence: str


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What is allowed, each with its reason."""

    allowed: Mapping[str, str]
    """Licence to reason, for any package."""
    packages: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Package to the `licence` it has and the `reason` why that is accepted, for this package alone."""

    def allows(self, package: Package) -> bool:
        """Whether all of a licence is allowed; of `A OR B`, one of them."""
        single = self.packages.get(package.name)
        if single is not None and shown(package.licence) == single["licence"]:
            return True
        return all(
            any({choice, choice.strip("()")} & self.allowed.keys() for choice in part.split(" OR "))
            for part in re.split(r"; | AND ", package.licence)
        )


def read_policy(path: Path = POLICY_FILE) -> Policy:
    """The policy of a TOML file with the tables `allowed` and `packages`."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return Policy(allowed=content["allowed"], packages=content["packages"])


def shown(licence: str) -> str:
    """A licence in one line: some packages put the whole text where its name belongs."""
    return licence if "\n" not in licence else f"{licence.splitlines()[0]} …"


def python_packages(report: Iterable[Mapping[str, str]]) -> list[Package]:
    """Those in the JSON of pip-licenses."""
    return [Package(name=each["Name"], version=each["Version"], licence=each["License"]) for each in report]


def npm_packages(bill: Mapping[str, Any]) -> list[Package]:
    """Those in a CycloneDX bill of materials by npm."""
    return [
        Package(name=each["name"], version=each["version"], licence=_npm_licence(each))
        for each in bill.get("components", [])
    ]


def judge(packages: Iterable[Package], policy: Policy) -> Verdict:
    """FOUND for any package whose licence is not allowed; FAILED when there is no package at all."""
    known = list(packages)
    if not known:
        return Verdict(Outcome.FAILED, ("No installed package was found whose licence could be read.",))
    wrong = [each for each in known if not policy.allows(each)]
    if wrong:
        lines = (f"{each.name} {each.version} has the licence {shown(each.licence)!r}." for each in wrong)
        return Verdict(Outcome.FOUND, (*lines, f"None of these is allowed by {POLICY_FILE.name}."))
    return Verdict(Outcome.GOOD, (f"All {len(known)} packages have licences that the policy allows.",))


def as_markdown(packages: Iterable[Package]) -> str:
    """A table for people, in the order of names."""
    rows = [f"| {each.name} | {each.version} | {shown(each.licence)} |" for each in sorted(packages, key=_by_name)]
    return "\n".join(["# Licences", "", "| package | version | licence |", "|---|---|---|", *rows, ""])


def _by_name(package: Package) -> str:
    return package.name.lower()


def _npm_licence(component: Mapping[str, Any]) -> str:
    """CycloneDX: a list of `{"license": {"id" or "name"}}` or one `{"expression"}`; all of the list hold."""
    found = [
        each.get("expression") or each["license"].get("id") or each["license"].get("name") or "UNKNOWN"
        for each in component.get("licenses", [])
    ]
    return " AND ".join(found) or "UNKNOWN"
