"""Where commands find the transparency log, and what they take for its signature."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.environments.log import Log, open_log, verifies
from cli.environments.place import Place
from cli.errors import PlaceError
from tests.support.log_signer import SeededSigner

HERE = Place("local", Path("environment.json"), "eu-west-1", "http://127.0.0.1:1")
OUTPUTS = {"LogBucketName": "log", "LogIndexTableName": "index", "LogKeyArn": "key"}


def test_the_stacks_outputs_say_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Place, "outputs", lambda self, stack: OUTPUTS)
    assert isinstance(open_log(HERE), Log)


@pytest.mark.parametrize("missing", OUTPUTS)
def test_a_stack_that_lacks_an_output(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = {name: value for name, value in OUTPUTS.items() if name != missing}
    monkeypatch.setattr(Place, "outputs", lambda self, stack: lacking)
    with pytest.raises(PlaceError, match=f"Transparency of local has no output {missing}"):
        open_log(HERE)


def test_only_a_keys_own_signature_of_these_very_bytes_verifies() -> None:
    signer, message = SeededSigner(), b"a checkpoint\n"
    signature = signer.sign(message)
    assert verifies(signer.public_key(), signature, message)
    assert not verifies(signer.public_key(), signature, message + b"\n")
    assert not verifies(SeededSigner(2).public_key(), signature, message)
    assert not verifies(signer.public_key(), signature[:-1], message)
    assert not verifies(b"short", signature, message)
