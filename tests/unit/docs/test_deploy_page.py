"""What docs/deploy.md has people type against AWS, as far as it can be tried without."""

import re
from typing import Any

import jmespath
import pytest

from local.machine.layout import REPOSITORY
from stacks.environment import CLOUD_NAMES

PAGE = (REPOSITORY / "docs" / "deploy.md").read_text()


def query(word: str) -> str:
    """The `--query` of the page that speaks of something."""
    [found] = [each for _, each in re.findall(r"""--query (['"])(.+?)\1""", PAGE, re.DOTALL) if word in each]
    return str(found)


def versions(count: int) -> dict[str, Any]:
    """What `aws lambda list-versions-by-function` answers: `$LATEST`, and then the oldest first."""
    return {"Versions": [{"Version": each} for each in ("$LATEST", *map(str, range(1, count + 1)))]}


@pytest.mark.parametrize(("count", "deleted"), [(0, []), (1, []), (3, []), (4, ["1"]), (6, ["1", "2", "3"])])
def test_three_versions_are_kept_and_the_newest_are_those(count: int, deleted: list[str]) -> None:
    assert jmespath.search(query("[1:"), versions(count)) == deleted


def test_the_policies_of_the_smoke_test_are_found_among_the_outputs() -> None:
    outputs = [{"OutputKey": key, "OutputValue": f"arn:{key}"} for key in ("ApiUrl", "CommandPolicyArn")]
    answer = {"Stacks": [{"Outputs": outputs}]}
    assert jmespath.search(query("ReadAccountsPolicyArn"), answer) == ["arn:CommandPolicyArn"]


def test_the_policies_that_are_asked_for_are_outputs_of_the_stacks_that_are_asked() -> None:
    """And `daybook smoke` names the same ones where a permission is missing."""
    names = set(re.findall(r"'(\w+PolicyArn)'", query("ReadAccountsPolicyArn")))
    [loop] = re.findall(r"for STACK in ([\w ]+);", PAGE)
    sources = {name: (REPOSITORY / "stacks" / f"{name}.py").read_text() for name in modules(loop.split())}
    for name in names:
        assert any(f'"{name}"' in source for source in sources.values()), f"no stack has the output {name}"
    told = "".join(each.read_text() for each in (REPOSITORY / "cli" / "smoke").glob("*.py"))
    assert set(re.findall(r'"(\w+PolicyArn)"', told)) <= names


def modules(stacks: list[str]) -> list[str]:
    """The modules in which stacks have their outputs."""
    return [*(re.sub(r"(?<!^)(?=[A-Z])", "_", each).lower() for each in stacks), "api_policies"]


def test_no_environment_on_github_takes_jobs_of_a_branch_that_is_not_protected() -> None:
    """The roles trust a job by its environment, whichever branch its workflow is of."""
    made = re.findall(r"gh api --method PUT repos/OWNER/NAME/environments/(\S+)(.*?)\}'", PAGE, re.DOTALL)
    assert [name for name, _ in made] == ["$EACH", "prod"]
    assert {"dev", "staging", "prod"} == set(CLOUD_NAMES)
    for name, body in made:
        assert '"protected_branches": true, "custom_branch_policies": false' in body, name
