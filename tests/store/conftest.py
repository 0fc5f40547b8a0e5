"""The backends of the store suite, and ids that no other test uses."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import backends, read_models
from tests.support.backends import Backend, DynamoDBBackend, NewBackend, NewId
from tests.support.broken_server import write_certificate
from tests.support.read_models import NewPorts
from tests.support.tally import Others, add, repository


@pytest.fixture(scope="module", params=backends.names())
def new_backend(request: pytest.FixtureRequest) -> Iterator[NewBackend]:
    """All backends."""
    with backends.backends(request.param) as new:
        yield new


@pytest.fixture(scope="module", params=backends.dynamodb_names())
def new_dynamodb(request: pytest.FixtureRequest) -> Iterator[NewBackend]:
    """Those that speak DynamoDB."""
    with backends.backends(request.param) as new:
        yield new


@pytest.fixture
def backend(new_backend: NewBackend) -> Backend:
    """A store for one test."""
    return new_backend()


@pytest.fixture
def dynamodb(new_dynamodb: NewBackend) -> DynamoDBBackend:
    """A store on DynamoDB for one test."""
    backend = new_dynamodb()
    assert isinstance(backend, DynamoDBBackend)
    return backend


@pytest.fixture
def new_id(request: pytest.FixtureRequest) -> NewId:
    """Ids (UUIDs) that are the same in every run and differ from those of other tests."""
    count = itertools.count()
    return lambda: str(uuid.uuid5(uuid.NAMESPACE_OID, f"{request.node.nodeid}/{next(count)}"))


@pytest.fixture
def stream_id(new_id: NewId) -> str:
    """The id of a stream that does not exist yet."""
    return new_id()


@pytest.fixture
def others(backend: Backend, stream_id: str) -> Others:
    """Somebody else adds to the stream."""
    return lambda amount: add(repository(backend.store), stream_id, amount)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A file with a key and a certificate of this machine."""
    path = tmp_path / "certificate.pem"
    write_certificate(path)
    return path


@pytest.fixture(params=["warm", "cold"])
def second(request: pytest.FixtureRequest) -> str:
    """Whether the second request comes to the same repository or to one that remembers nothing."""
    return str(request.param)


@pytest.fixture(scope="module", params=read_models.names())
def new_ports(request: pytest.FixtureRequest) -> Iterator[NewPorts]:
    """All adapters of a read model's ports."""
    with read_models.places(request.param) as new:
        yield new


@pytest.fixture(scope="module", params=backends.dynamodb_names())
def new_table(request: pytest.FixtureRequest) -> Iterator[NewPorts]:
    """Those that speak DynamoDB."""
    with read_models.places(request.param) as new:
        yield new
