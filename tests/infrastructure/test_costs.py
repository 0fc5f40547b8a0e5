"""README's costs are those of the templates. `make costs` writes them."""

from __future__ import annotations

import re

import pytest

from local.costs import at_rest
from local.costs.page import written
from local.costs.prices import read_prices
from local.costs.resources import Resources
from stacks.environment import CLOUD_NAMES, PROD
from tests.infrastructure.conftest import CLOUD, Environments
from tests.infrastructure.synthesis import REPOSITORY, Synthesized

README = REPOSITORY / "README.md"


def test_every_resource_of_every_template_is_priced(anywhere: Synthesized) -> None:
    at_rest.lines(Resources(each.body for each in anywhere.stacks), read_prices())


def test_the_sum_is_the_one_that_the_readme_tells(environments: Environments) -> None:
    found = at_rest.lines(Resources(each.body for each in environments[PROD.name].stacks), read_prices())
    [told] = re.findall(r"About \$(\d+) a month for an environment like `prod`", README.read_text("utf-8"))
    assert round(at_rest.total(found)) == int(told), "run `make costs`"


@pytest.mark.skipif(len(CLOUD) < len(CLOUD_NAMES), reason="a check synthesizes one of the environments")
def test_the_tables_are_those_that_make_costs_writes(environments: Environments) -> None:
    page = README.read_text("utf-8")
    templates = {name: [each.body for each in environments[name].stacks] for name in CLOUD_NAMES}
    assert page == written(page, templates, read_prices()), "run `make costs`"
