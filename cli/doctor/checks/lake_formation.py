"""Whether Lake Formation lets IAM alone decide, as it does until a landing zone changes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cli.doctor.account import Account
from cli.doctor.check import Check, Seen, ok, warning

KINDS: Final = {
    "CreateDatabaseDefaultPermissions": "databases",
    "CreateTableDefaultPermissions": "tables",
}
"""An empty list says that Lake Formation decides. Source: Lake Formation API Reference, "DataLakeSettings"."""

EVERYBODY: Final = "IAM_ALLOWED_PRINCIPALS"


def _look(account: Account) -> Iterator[Seen]:
    settings = account.ask("lakeformation", "get_data_lake_settings").get("DataLakeSettings", {})
    closed = [kind for key, kind in KINDS.items() if not any(map(_is_everybody, settings.get(key, [])))]
    if not closed:
        yield ok("IAM alone decides on new databases and tables")
        return
    yield warning(
        f"Lake Formation decides on new {' and '.join(closed)}",
        "open it, or grant Firehose and readers the database: docs/deploy.md#lake-formation",
    )


def _is_everybody(entry: dict[str, dict[str, str]]) -> bool:
    return entry.get("Principal", {}).get("DataLakePrincipalIdentifier") == EVERYBODY


LAKE_FORMATION = Check(
    "Lake Formation",
    "Then IAM's grants are not enough: Firehose cannot read the schema, and queries are refused.",
    _look,
)
