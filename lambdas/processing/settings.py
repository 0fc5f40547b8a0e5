"""Settings of the functions around commands, from their environment variables. The processor's are the service's."""

from __future__ import annotations

from typing import Annotated

import msgspec


class FailuresSettings(msgspec.Struct, frozen=True, rename="upper"):
    """What the function that marks failed commands must be told. The names of the variables are in upper case."""

    commands_table: Annotated[str, msgspec.Meta(min_length=3)]
    environment: Annotated[str, msgspec.Meta(min_length=1)]
