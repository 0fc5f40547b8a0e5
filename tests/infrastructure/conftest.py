"""Every environment is synthesized once a run, as `cdk synth` would, but without installing packages.

The processes of one run share what was synthesized; an environment that no test asks for is left out.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from stacks.environment import CLOUD_NAMES, ENVIRONMENTS, LOCAL, PROD
from tests.infrastructure.synthesis import Synthesized, synthesize, synthesized_once
from tests.support.runs import chosen

CLOUD = (PROD.name,) if chosen() == "check" else CLOUD_NAMES
"""What a developer checks all the time, he checks on one of them."""
PROTECTED = tuple(name for name in CLOUD if ENVIRONMENTS[name].protect_data)
ALL = (LOCAL.name, *CLOUD)


class Environments(Mapping[str, Synthesized]):
    """The templates of all environments by name, each synthesized once, when it is first asked for.

    Where a finding stopped that, every test that asks gets it: RuntimeError.
    """

    def __init__(self, shared: Path) -> None:
        self._shared = shared
        self._known: dict[str, Synthesized | RuntimeError] = {}

    def __getitem__(self, name: str) -> Synthesized:
        if name not in ALL:
            raise KeyError(name)
        if name not in self._known:
            try:
                self._known[name] = synthesized_once(self._shared, name, lambda outdir: synthesize(name, outdir=outdir))
            except RuntimeError as finding:
                self._known[name] = finding
        found = self._known[name]
        if isinstance(found, RuntimeError):
            raise found.with_traceback(None)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(ALL)

    def __len__(self) -> int:
        return len(ALL)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A folder that all processes of this run have in common; pytest-xdist gives each one below it."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if hasattr(request.config, "workerinput") else base) / "assemblies"


@pytest.fixture(scope="session")
def environments(shared: Path) -> Environments:
    """The templates of all environments by name."""
    return Environments(shared)


@pytest.fixture(params=CLOUD)
def cloud(request: pytest.FixtureRequest, environments: Environments) -> Synthesized:
    """Each cloud environment in turn."""
    return environments[request.param]


@pytest.fixture(params=PROTECTED)
def protected(request: pytest.FixtureRequest, environments: Environments) -> Synthesized:
    """Each environment in turn whose data is protected."""
    return environments[request.param]


@pytest.fixture(params=ALL)
def anywhere(request: pytest.FixtureRequest, environments: Environments) -> Synthesized:
    """Each environment in turn, the local one included."""
    return environments[request.param]


@pytest.fixture
def local(environments: Environments) -> Synthesized:
    """The environment of one machine."""
    return environments[LOCAL.name]
