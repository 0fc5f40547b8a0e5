"""The asynchronous routes: API Gateway stores commands and reads their outcome itself, without a function."""

from aws_cdk import Stack
from aws_cdk.aws_apigateway import RequestValidator, RestApi

from constructs_lib.alarms import alarm_on_any
from constructs_lib.dynamodb_route import DynamoDbRoute
from constructs_lib.inbox_table import InboxTable
from lambdas.contracts.asynchronous_operations import GET_COMMAND, SUBMIT_COMMAND
from lambdas.contracts.command_model import command_model
from stacks.command_templates import status_answers, status_request, submit_answers, submit_request


def add_command_routes(stack: Stack, *, api: RestApi, commands: InboxTable, writes: bool) -> None:
    """Add both routes, with a role and an alarm on any 5xx each: a 5xx of these routes is never the client's fault.

    A request that collides with the transaction of its own command is answered 429. Without `writes` no command is
    stored: the path's other methods reach the function, so this one does, too, and is refused there.
    """
    validator = api.add_request_validator("Validator", validate_request_body=True, validate_request_parameters=True)
    if writes:
        _add_submission(stack, api, commands, validator)
    _add_lookup(stack, api, commands, validator)


def _add_submission(stack: Stack, api: RestApi, commands: InboxTable, validator: RequestValidator) -> None:
    submission = DynamoDbRoute(
        stack,
        "SubmitCommand",
        api=api,
        http_method=SUBMIT_COMMAND.method,
        path=SUBMIT_COMMAND.path,
        action="UpdateItem",
        grant=commands.grant_submission,
        request_template=submit_request(commands.table.table_name),
        answers=submit_answers(),
        validator=validator,
        model=command_model(),
    )
    alarm_on_any(
        stack,
        "CommandsNotStored",
        metric=submission.metric_server_errors(),
        description="A command was answered 5xx: that request did not store it, or it is not known whether it did.",
    )


def _add_lookup(stack: Stack, api: RestApi, commands: InboxTable, validator: RequestValidator) -> None:
    lookup = DynamoDbRoute(
        stack,
        "CommandStatus",
        api=api,
        http_method=GET_COMMAND.method,
        path=GET_COMMAND.path,
        action="GetItem",
        grant=commands.grant_lookup,
        request_template=status_request(commands.table.table_name),
        answers=status_answers(),
        validator=validator,
    )
    alarm_on_any(
        stack,
        "OutcomesNotRead",
        metric=lookup.metric_server_errors(),
        description="A client asked what became of a command and was answered 5xx.",
    )
