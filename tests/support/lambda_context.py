"""What handlers read of Lambda's context object."""

from __future__ import annotations


class Context:
    """The context of one invocation, with so much time left."""

    function_name = "function"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-north-1:000000000000:function:function"
    aws_request_id = "request"

    def __init__(self, milliseconds: int = 60_000) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        """As given, for ever."""
        return self._milliseconds
