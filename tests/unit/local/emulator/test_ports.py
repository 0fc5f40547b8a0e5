"""The port is a number in range, or a sentence."""

import pytest

from local.emulator.ports import requested_port
from local.machine.errors import InvalidPortError


@pytest.mark.parametrize(
    ("environ", "port"), [({}, None), ({"DAYBOOK_LOCAL_PORT": " "}, None), ({"DAYBOOK_LOCAL_PORT": "4566"}, 4566)]
)
def test_a_port_may_be_asked_for(environ: dict[str, str], port: int | None) -> None:
    assert requested_port(environ) == port


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http", "4566.0"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(InvalidPortError, match="a number from 1 to 65535"):
        requested_port({"DAYBOOK_LOCAL_PORT": text})
