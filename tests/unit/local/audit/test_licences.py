"""Licences are held against the policy: what is not written down there is not allowed."""

import pytest

from local.audit.licences import Package, Policy, as_markdown, judge, npm_packages, python_packages, read_policy
from local.audit.verdict import Outcome

POLICY = Policy(
    allowed={"MIT": "", "Apache-2.0": "", "BSD License": "", "ISC License (ISCL)": ""},
    packages={"chart": {"licence": "LGPLv3+", "reason": ""}, "text": {"licence": "Copyright …", "reason": ""}},
)


@pytest.mark.parametrize(
    ("name", "licence", "allowed"),
    [
        ("a", "MIT", True),
        ("a", "ISC License (ISCL)", True),
        ("a", "GPL-3.0-only", False),
        ("a", "AGPL-3.0-only", False),
        ("a", "UNKNOWN", False),
        ("a", "", False),
        ("a", "mitten", False),
        ("a", "MIT OR GPL-3.0-only", True),
        ("a", "MIT AND GPL-3.0-only", False),
        ("a", "Apache-2.0 AND (GPL-3.0-only OR MIT)", True),
        ("a", "BSD License; MIT", True),
        ("a", "BSD License; GNU General Public License", False),
        ("chart", "LGPLv3+", True),
        ("a", "LGPLv3+", False),
        ("chart", "GPL-3.0-only", False),
        ("text", "Copyright\nwhat MIT says", True),
    ],
)
def test_a_licence_is_allowed_or_not(name: str, licence: str, allowed: bool) -> None:
    verdict = judge([Package(name=name, version="1", licence=licence)], POLICY)
    assert (verdict.outcome is Outcome.GOOD) is allowed
    assert verdict.is_fatal is not allowed


def test_no_packages_at_all_is_a_failure_and_not_good_news() -> None:
    assert judge([], POLICY).outcome is Outcome.FAILED


def test_packages_are_read_from_what_the_tools_write() -> None:
    [python] = python_packages([{"License": "MIT", "Name": "a", "Version": "1"}])
    assert python == Package(name="a", version="1", licence="MIT")
    bill = {
        "components": [
            {"name": "b", "version": "2", "licenses": [{"license": {"id": "MIT"}}, {"license": {"name": "Own"}}]},
            {"name": "c", "version": "3", "licenses": [{"expression": "MIT OR ISC"}]},
            {"name": "d", "version": "4"},
        ]
    }
    assert [each.licence for each in npm_packages(bill)] == ["MIT AND Own", "MIT OR ISC", "UNKNOWN"]


def test_the_table_is_sorted_and_has_a_line_for_each_package() -> None:
    table = as_markdown([Package(name=name, version="1", licence="MIT\nmore") for name in ("b", "A")])
    assert table.splitlines()[-2:] == ["| A | 1 | MIT … |", "| b | 1 | MIT … |"]


def test_the_policy_gives_a_reason_for_everything() -> None:
    policy = read_policy()
    assert all(policy.allowed.values())
    assert all(each["reason"] and each["licence"] for each in policy.packages.values())
    assert not [name for name in policy.allowed if "GPL" in name or "General Public" in name or name == "UNKNOWN"]
