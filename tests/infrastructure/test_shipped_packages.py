"""Each function ships every package of this repository that its handler imports, and no other.

On one machine nobody would notice a missing package: the repository is installed there, so Python finds it anyway.
"""

from pathlib import Path

import grimp
import pytest

from tests.infrastructure.synthesis import REPOSITORY, Synthesized
from tests.infrastructure.test_assets import stage_sources

OURS = ("lambdas", "analytics", "stacks", "constructs_lib", "local", "cli")


class Shipping:
    """Which asset a handler needs; each is staged once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._imports = grimp.build_graph(*OURS, cache_dir=None)
        self._assets: dict[frozenset[str], str] = {}

    def asset(self, module: str) -> str:
        """The name of the asset with the packages that a module imports, itself included."""
        needed = frozenset(name.split(".")[0] for name in {module, *self._imports.find_upstream_modules(module)})
        if needed not in self._assets:
            packages = sorted(needed, reverse=True)  # lambdas first, as the stacks name them
            self._assets[needed] = stage_sources(REPOSITORY, self._folder / str(len(self._assets)), *packages).name
        return self._assets[needed]


@pytest.fixture(scope="module")
def shipping(tmp_path_factory: pytest.TempPathFactory) -> Shipping:
    """One for all environments."""
    return Shipping(tmp_path_factory.mktemp("shipping"))


def test_a_function_ships_what_its_handler_imports(anywhere: Synthesized, shipping: Shipping) -> None:
    functions = [
        each["Properties"]
        for stack in anywhere.stacks
        for each in stack.resources("AWS::Lambda::Function").values()
        if str(each["Properties"]["Handler"]).startswith("lambdas.")
    ]
    assert functions
    for each in functions:
        handler = each["Handler"]
        shipped = f"asset.{each['Code']['S3Key'].removesuffix('.zip')}"
        assert shipped == shipping.asset(handler.removesuffix(".handler")), (
            f"{handler} ships other packages than it needs"
        )
