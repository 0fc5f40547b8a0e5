"""Turns results of the event store into replies in the shapes of the contract."""

from __future__ import annotations

from collections.abc import Callable

from lambdas.accounts.events import AccountEvent
from lambdas.accounts.state import Account
from lambdas.contracts import http as shapes
from lambdas.eventsourcing.decider import Committed, History, Loaded
from lambdas.httpapi.conditional import entity_tag
from lambdas.httpapi.paging import encode_cursor
from lambdas.httpapi.replies import Reply, json_reply


def account_document(loaded: Loaded[Account]) -> shapes.Account:
    """An existing account as clients see it."""
    state = loaded.state
    if state is None:
        raise ValueError(f"stream {loaded.stream_id} does not exist")
    return shapes.Account(
        account_id=loaded.stream_id,
        status=state.status,
        currency=state.currency,
        balance=state.balance,
        overdraft_limit=state.overdraft_limit,
        version=loaded.version,
        updated_at=loaded.recorded_at,
    )


def account_reply(loaded: Loaded[Account]) -> Reply:
    """200 with the account and its entity tag."""
    return json_reply(200, account_document(loaded), {"ETag": entity_tag(loaded.version)})


def changed_account_reply(committed: Committed[Account]) -> Reply:
    """200 with the one account of a command."""
    return account_reply(committed.streams[0])


def new_account_reply(committed: Committed[Account]) -> Reply:
    """201. Location is relative to the request's own URL (…/accounts), wherever the API is mounted."""
    account = committed.streams[0]
    headers = {"ETag": entity_tag(account.version), "Location": f"accounts/{account.stream_id}"}
    return json_reply(201, account_document(account), headers)


def transfer_reply(transfer_id: str) -> Callable[[Committed[Account]], Reply]:
    """201 with both accounts."""

    def reply(committed: Committed[Account]) -> Reply:
        sender, receiver = (account_document(stream) for stream in committed.streams)
        return json_reply(201, shapes.TransferResult(transfer_id, sender, receiver))

    return reply


def history_reply(history: History[AccountEvent]) -> Reply:
    """200 with a page of events."""
    entries = [
        shapes.HistoryEntry(
            version=recorded.version,
            type=recorded.type,
            occurred_at=recorded.occurred_at,
            recorded_at=recorded.recorded_at,
            data=recorded.event,
        )
        for recorded in history.events
    ]
    cursor = None if history.next_before is None else encode_cursor(history.next_before)
    return json_reply(200, shapes.History(entries, cursor))
