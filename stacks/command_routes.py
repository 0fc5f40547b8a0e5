"""The asynchronous routes: API Gateway stores commands and reads their outcome itself, without a function."""

from aws_cdk import Stack
from aws_cdk.aws_apigateway import RestApi

from constructs_lib.alarms import alarm_on_any
from constructs_lib.dynamodb_route import DynamoDbRoute
from constructs_lib.inbox_table import InboxTable
from lambdas.contracts.asynchronous_operations import GET_COMMAND, SUBMIT_COMMAND
from lambdas.contracts.command_model import command_model
from stacks.command_templates import status_answers, status_request, submit_answers, submit_request


def add_command_routes(stack: Stack, *, api: RestApi, commands: InboxTable) -> None:
    """Add both routes, with a role and an alarm on any 5xx each: a 5xx of these routes is never the client's fault.

    A request that collides with the transaction of its own command is answered 429.
    """
    validator = api.add_request_validator("Validator", validate_request_body=True, validate_request_parameters=True)
    table_name = commands.table.table_name
    submission = DynamoDbRoute(
        stack,
        "SubmitCommand",
        api=api,
        http_method=SUBMIT_COMMAND.method,
        path=SUBMIT_COMMAND.path,
        action="UpdateItem",
        grant=commands.grant_submission,
        request_template=submit_request(table_name),
        answers=submit_answers(),
        validator=validator,
        model=command_model(),
    )
    lookup = DynamoDbRoute(
        stack,
        "CommandStatus",
        api=api,
        http_method=GET_COMMAND.method,
        path=GET_COMMAND.path,
        action="GetItem",
        grant=commands.grant_lookup,
        request_template=status_request(table_name),
        answers=status_answers(),
        validator=validator,
    )
    alarm_on_any(
        stack,
        "CommandsNotStored",
        metric=submission.metric_server_errors(),
        description="A command was answered 5xx: that request did not store it, or it is not known whether it did.",
    )
    alarm_on_any(
        stack,
        "OutcomesNotRead",
        metric=lookup.metric_server_errors(),
        description="A client asked what became of a command and was answered 5xx.",
    )
