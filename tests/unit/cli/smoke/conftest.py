"""The whole API, as the steps on an account have it."""

from tests.unit.smoke.conftest import tried

__all__ = ["tried"]
