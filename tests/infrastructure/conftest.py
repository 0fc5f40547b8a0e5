"""Every environment is synthesized once a session, as `cdk synth` would, but without installing packages."""

from pathlib import Path

import pytest

from stacks.environment import CLOUD_NAMES, ENVIRONMENTS, LOCAL
from tests.infrastructure.synthesis import Synthesized, synthesize


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Synthesized]:
    """The templates of all environments by name."""
    base: Path = tmp_path_factory.mktemp("assemblies")
    return {name: synthesize(name, outdir=base / name) for name in ENVIRONMENTS}


@pytest.fixture(params=CLOUD_NAMES)
def cloud(request: pytest.FixtureRequest, environments: dict[str, Synthesized]) -> Synthesized:
    """Each cloud environment in turn."""
    return environments[request.param]


@pytest.fixture(params=list(ENVIRONMENTS))
def anywhere(request: pytest.FixtureRequest, environments: dict[str, Synthesized]) -> Synthesized:
    """Each environment in turn, the local one included."""
    return environments[request.param]


@pytest.fixture
def local(environments: dict[str, Synthesized]) -> Synthesized:
    """The environment of one machine."""
    return environments[LOCAL.name]
