"""An Athena view as a Glue table, so that it is deployed like everything else.

Athena keeps a view as a table of the type VIRTUAL_VIEW whose text is a comment: base64 of a JSON document with the
statement, where unqualified names are looked up, and the columns with their types in SQL. Athena refuses a view as
stale when the statement does not give a column the type that the document names.
"""

import json
import re
from dataclasses import dataclass

from aws_cdk import Aws, Fn
from aws_cdk.aws_glue import CfnDatabase, CfnTable
from constructs import Construct

CATALOG = "awsdatacatalog"
SQL_TYPES = {"string": "varchar", "timestamp": "timestamp(3)", "int": "integer"}
"""Glue's names of types to SQL's, where they differ."""


class InvalidViewError(ValueError):
    """A view that could be deployed, but that Athena could not read."""


@dataclass(frozen=True, kw_only=True)
class View:
    """A named statement. `columns` are names and Glue's names of simple types, in the statement's order."""

    name: str
    comment: str
    columns: tuple[tuple[str, str], ...]
    sql: str

    def __post_init__(self) -> None:
        """Refuse what Athena could not read. Raises InvalidViewError."""
        if not self.columns:
            raise InvalidViewError(f"the view {self.name} names no column")


def sql_type(glue_type: str) -> str:
    """A simple type as SQL writes it. Raises InvalidViewError for a nested one."""
    if not re.fullmatch(r"[a-z]+|decimal\([0-9]+,[0-9]+\)", glue_type):
        raise InvalidViewError(f"{glue_type} cannot be the type of a view's column here")
    return SQL_TYPES.get(glue_type, glue_type)


def view_text(view: View, *, database: str) -> str:
    """The view's original text as Glue stores it. CloudFormation encodes it, for only there the database has a name.

    Raises InvalidViewError.
    """
    document = {
        "originalSql": view.sql,
        "catalog": CATALOG,
        "schema": database,
        "columns": [{"name": name, "type": sql_type(kind)} for name, kind in view.columns],
    }
    return f"/* Presto View: {Fn.base64(json.dumps(document))} */"


class AthenaView(Construct):
    """A view in a database."""

    def __init__(self, scope: Construct, construct_id: str, *, database: CfnDatabase, view: View) -> None:
        super().__init__(scope, construct_id)
        self.name = view.name
        self.table = CfnTable(
            self,
            "Table",
            catalog_id=Aws.ACCOUNT_ID,
            database_name=database.ref,
            table_input=CfnTable.TableInputProperty(
                name=view.name,
                description=view.comment,
                table_type="VIRTUAL_VIEW",
                parameters={"presto_view": "true", "comment": "Presto View"},
                view_original_text=view_text(view, database=database.ref),
                view_expanded_text="/* Presto View */",
                partition_keys=[],
                storage_descriptor=CfnTable.StorageDescriptorProperty(
                    columns=[CfnTable.ColumnProperty(name=name, type=kind) for name, kind in view.columns],
                    location="",
                    serde_info=CfnTable.SerdeInfoProperty(),
                ),
            ),
        )
