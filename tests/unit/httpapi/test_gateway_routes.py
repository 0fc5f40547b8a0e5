"""What the gateway answers itself, seen from the function, which shares its paths."""

from __future__ import annotations

import json

import pytest

from lambdas.contracts.asynchronous_operations import GET_COMMAND
from lambdas.contracts.errors import ContractIncompleteError
from lambdas.contracts.operations import OPERATIONS
from lambdas.httpapi.routing import GATEWAY_ROUTES, ROUTES, allowed_methods
from tests.unit.httpapi.suite.api import Call
from tests.unit.httpapi.suite.gateway import template_of
from tests.unit.httpapi.suite.in_process import CONTEXT, in_process_api, proxy_event

ACCOUNT = "00000000-0000-4000-8000-000000000000"
COMMANDS = f"/accounts/{ACCOUNT}/commands"


def test_a_path_is_the_functions_or_the_gateways() -> None:
    assert not ROUTES.keys() & GATEWAY_ROUTES.keys(), "Allow would name the methods of one of them only"


@pytest.mark.parametrize(
    ("path", "template"),
    [
        (COMMANDS, "/accounts/{account_id}/commands"),
        (f"{COMMANDS}/c-1", "/accounts/{account_id}/commands/{command_id}"),
        (f"{COMMANDS}/", None),
        (f"{COMMANDS}/c-1/", None),
        (f"{COMMANDS}/c-1/more", None),
    ],
)
def test_the_gateways_paths_are_known_to_the_function(path: str, template: str | None) -> None:
    assert template_of(path) == template
    assert template is None or allowed_methods(template) == GATEWAY_ROUTES[template]


@pytest.mark.parametrize(("method", "path"), [("POST", COMMANDS), ("GET", f"{COMMANDS}/c-1")])
def test_what_the_gateway_should_have_answered_is_not_there(
    monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    answer = in_process_api(monkeypatch).module.handler(proxy_event(Call(method, path)), CONTEXT)
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["type"]) == (404, "urn:daybook:problem:not-found")


def test_every_operation_of_the_contract_has_a_route(monkeypatch: pytest.MonkeyPatch) -> None:
    module = in_process_api(monkeypatch).module
    others = (module.ReadModelRoutes(None, None), module.ProofRoutes(None))
    assert list(module.AccountsApi(None, *others, expected=None).routes()) == [
        (each.method, each.path) for each in OPERATIONS
    ]
    monkeypatch.setattr(module, "OPERATIONS", (*OPERATIONS, GET_COMMAND))
    with pytest.raises(
        ContractIncompleteError, match=r"^getCommand has no route: .* lambdas/handlers/accounts_api\.py$"
    ):
        module.AccountsApi(None, *others, expected=None).routes()
