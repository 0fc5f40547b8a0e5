"""docs/proof.md: its examples are recomputed, and its table is complete and names only what there is."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from hashlib import sha256

import pytest

from constructs_lib.topic_archive import BUCKET_ACTIONS, OBJECT_ACTIONS
from lambdas.eventsourcing.chain import chain_hash
from lambdas.transparency.row_bundle import BundleHead, BundleRow
from lambdas.transparency.seal import SealHeader
from local.machine.layout import REPOSITORY
from tests.support.pages.page import read_page
from tools import verify_proof as tool

PAGE = (REPOSITORY / "docs" / "proof.md").read_text("utf-8")
BLOCKS = read_page(REPOSITORY, "docs/proof.md").blocks
RUNBOOK = (REPOSITORY / "docs" / "runbook.md").read_text("utf-8")
ATTACKERS = (
    "clerk with table access",
    "clerk with lake access",
    "operator who may deploy",
    "administrator of the account",
    "holder of the key",
)
CLERK, LAKE, OPERATOR, ADMINISTRATOR, HOLDER = ATTACKERS
TAMPERINGS = (
    "edit", "delete", "insert", "reorder", "cut the tail", "rewrite a whole account", "seal late", "show two logs",
)  # fmt: skip
EDIT, DELETE, INSERT, REORDER, CUT, REWRITE, LATE, TWO = TAMPERINGS

ALL = "tests/unit/cli/verify/test_tampering.py::test_"
ALL_OF = "tests/unit/cli/verify/test_everything.py::test_"
VERIFY = "tests/unit/cli/verify/test_verify.py::test_"
RECONCILE = "tests/unit/cli/reconcile/test_reconcile.py::test_"
CONTENTS = "tests/unit/cli/reconcile/test_contents.py::test_"
PROVE = "tests/unit/cli/prove/test_prove.py::test_"
CONSISTENCY = "tests/unit/cli/consistency/test_consistency.py::test_"
ITEMS = "tests/store/test_chain_items.py::test_"
STREAM = "tests/e2e/test_publishing.py::test_"
SEALER = "tests/unit/transparency/test_sealer.py::test_"
DECIDING = "tests/unit/transparency/test_deciding.py::test_"
COPY = "tests/unit/tools/test_log_copy.py::test_"
ANSWERS = "tests/unit/tools/test_answers.py::test_"
ANEW = f"{COPY}a_log_written_anew_with_the_key_is_found_by_kept_checkpoints"
REWRITTEN = f"{CONSISTENCY}a_log_that_was_rewritten"
IN_THE_LOG = f"{COPY}what_was_done_to_the_log_is_said"

PLANTED: dict[tuple[str, str], list[str]] = {
    (EDIT, CLERK): [
        f"{STREAM}a_changed_row_and_a_removed_one_are_told_and_never_published",
        f"{VERIFY}a_broken_account_is_named_with_its_first_bad_version",
        f"{ALL}clerk_with_table_access_edits_a_row",
        f"{ALL}operator_who_may_deploy_rewrites_an_account_from_a_version_on",
    ],
    (EDIT, LAKE): [
        f"{CONTENTS}another_value_in_any_column_or_field_differs",
        f"{ALL}clerk_with_lake_access_edits_an_amount",
        f"{ALL}clerk_with_lake_access_edits_a_column_and_keeps_its_rowhash",
    ],
    (EDIT, OPERATOR): [f"{COPY}a_seal_that_is_edited_with_its_bundles_and_tiles_is_found", IN_THE_LOG, ANEW],
    (EDIT, ADMINISTRATOR): [ANEW, REWRITTEN],
    (DELETE, CLERK): [
        f"{STREAM}a_changed_row_and_a_removed_one_are_told_and_never_published",
        f"{ITEMS}an_item_removed",
        f"{ALL}clerk_with_table_access_deletes_a_row",
    ],
    (DELETE, LAKE): [
        f"{DECIDING}a_hole_is_overdue_after_a_while",
        f"{RECONCILE}what_the_lake_lost_is_named",
        f"{ALL}clerk_with_lake_access_deletes_a_file",
    ],
    (DELETE, OPERATOR): [f"{ALL}clerk_with_table_access_deletes_an_account", IN_THE_LOG, ANEW],
    (DELETE, ADMINISTRATOR): [ANEW, REWRITTEN],
    (INSERT, CLERK): [
        f"{ITEMS}an_item_inserted",
        f"{ALL}clerk_with_table_access_inserts_a_row_out_of_place",
        f"{ALL}clerk_with_table_access_inserts_a_row_of_the_future",
    ],
    (INSERT, LAKE): [
        f"{ALL}clerk_with_lake_access_adds_an_event",
        f"{SEALER}a_fork_is_named_and_holds_its_account_only",
    ],
    (INSERT, OPERATOR): [IN_THE_LOG, ANEW],
    (INSERT, ADMINISTRATOR): [ANEW, REWRITTEN],
    (REORDER, CLERK): [f"{ITEMS}two_items_swapped", f"{ALL}clerk_with_table_access_swaps_two_rows"],
    (REORDER, LAKE): [f"{ALL}clerk_with_lake_access_moves_an_event_to_next_year"],
    (REORDER, OPERATOR): [IN_THE_LOG, ANEW],
    (REORDER, ADMINISTRATOR): [ANEW, REWRITTEN],
    (CUT, CLERK): [
        f"{ALL}clerk_with_table_access_cuts_the_tail",
        f"{PROVE}a_table_that_is_shorter_than_the_log",
    ],
    (CUT, LAKE): [f"{RECONCILE}what_the_lake_lost_is_named"],
    (CUT, OPERATOR): [
        f"{ALL}clerk_with_table_access_cuts_the_tail",
        f"{ANSWERS}rows_that_end_before_the_head_are_found_with_the_log",
        f"{COPY}a_log_that_was_cut_is_found_by_kept_checkpoints",
    ],
    (CUT, ADMINISTRATOR): [
        f"{COPY}a_log_that_was_cut_is_found_by_kept_checkpoints",
        f"{CONSISTENCY}a_log_that_became_shorter",
    ],
    (REWRITE, CLERK): [
        f"{ALL}operator_who_may_deploy_rewrites_a_whole_account",
        f"{PROVE}an_edited_row_is_a_finding_and_nothing_is_written",
    ],
    (REWRITE, LAKE): [f"{ALL}clerk_with_lake_access_adds_a_second_content"],
    (REWRITE, OPERATOR): [f"{ALL}operator_who_may_deploy_rewrites_a_whole_account", ANEW],
    (REWRITE, ADMINISTRATOR): [ANEW, REWRITTEN],
    (LATE, CLERK): [f"{DECIDING}a_hole_is_overdue_after_a_while"],
    (LATE, LAKE): [f"{DECIDING}a_hole_is_overdue_after_a_while", f"{ALL_OF}events_that_should_have_been_sealed"],
    (LATE, OPERATOR): [
        f"{ALL_OF}events_that_should_have_been_sealed",
        f"{ALL}operator_who_may_deploy_stops_the_sealer",
        f"{ANSWERS}an_entry_that_was_sealed_late_has_a_number_beyond_what_was_signed_before",
    ],
    (LATE, ADMINISTRATOR): [f"{ANSWERS}an_entry_that_was_sealed_late_has_a_number_beyond_what_was_signed_before"],
    (TWO, OPERATOR): [f"{ANSWERS}two_logs_of_one_size_are_found", f"{ANSWERS}consistency"],
    (TWO, ADMINISTRATOR): [f"{CONSISTENCY}one_size_and_two_roots", ANEW],
    (TWO, HOLDER): [f"{ANSWERS}two_logs_of_one_size_are_found", ANEW],
}
"""Tests that plant what a cell speaks of, and see it found as the cell says."""


@cache
def table() -> dict[tuple[str, str], str]:
    """The cells of the page's table, by what is done and by whom."""
    lines = PAGE[PAGE.index("| | clerk with table access |") :].split("\n\n")[0].splitlines()
    assert tuple(each.strip() for each in lines[0].split("|")[2:-1]) == ATTACKERS
    found: dict[tuple[str, str], str] = {}
    for line in lines[2:]:
        _, name, *cells, _ = (each.strip() for each in line.split("|"))
        bold = re.match(r"\*\*(.+?)\*\*", name)
        assert bold
        found |= {(bold[1], attacker): cell for attacker, cell in zip(ATTACKERS, cells, strict=True)}
    return found


def test_every_cell_is_filled() -> None:
    assert set(table()) == {(done, attacker) for done in TAMPERINGS for attacker in ATTACKERS}
    for place, cell in table().items():
        assert len(cell) > 10, place


def test_every_cell_says_what_finds_it_or_that_nothing_does_or_that_it_cannot_be_done() -> None:
    says = re.compile(r"`daybook \w+|`verify_proof\.py \w+|the alarm `|kept checkpoint|\*\*not found by anything\*\*")
    for place, cell in table().items():
        assert cell.startswith("cannot: ") != bool(says.search(cell)) or "as the operator" in cell, place


def test_only_what_is_kept_outside_finds_a_rewritten_log() -> None:
    for done in TAMPERINGS[:-1]:
        for attacker in (OPERATOR, ADMINISTRATOR):
            assert "kept checkpoint" in table()[done, attacker] or "not found" in table()[done, attacker], done


def test_every_alarm_that_is_named_is_in_the_runbook() -> None:
    named = set(re.findall(r"alarms? `([\w-]+)`", PAGE))
    assert {"EventTableTampered", "Sealing-Fork", "Sealing-Hole", "Sealing-SealMissing"} == named
    for name in named:
        assert re.search(rf"^### .*`[\w-]*{name}`", RUNBOOK, re.MULTILINE), name


def test_every_command_of_the_checker_that_is_named_exists() -> None:
    named = set(re.findall(r"verify_proof\.py (\w+)", PAGE))
    options = set(re.findall(r"(--(?:key|entry|log|kept)\b)", PAGE))
    assert named - {"FILE"} <= set(tool.COMMANDS)
    assert {"rows", "log", "consistency", "proof"} <= named
    assert all(option in tool.USAGE for option in options)


def test_something_is_planted_for_every_cell_but_those_that_cannot_be_done() -> None:
    assert set(PLANTED) == {place for place, cell in table().items() if not cell.startswith("cannot: ")}


@pytest.mark.parametrize("place", PLANTED, ids=" · ".join)
def test_what_is_planted_for_a_cell_is_a_test(place: tuple[str, str]) -> None:
    assert place in table()
    for node in PLANTED[place]:
        path, _, name = node.partition("::")
        tree = ast.parse((REPOSITORY / path).read_text("utf-8"))
        assert name in {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}, node


def block(info: str) -> str:
    [found] = [each.text for each in BLOCKS if each.info == info]
    return found


def quoted(before: str) -> str:
    """What stands in backticks behind some words."""
    [found] = re.findall(re.escape(before) + r"\s+`([^`]+)`", PAGE)
    return str(found)


def test_the_worked_example_of_a_row() -> None:
    [text] = [each.text for each in BLOCKS if each.text.startswith('{"stream_id"')]
    row = tool.json_line(text.encode(), tool.ROW, "the row")
    previous = tool.hash_decode(quoted("after one whose hash is"))
    packed = bytes.fromhex("".join(block("text packed").split()))
    fields = [previous, *(row[name] for name in tool.ROW[:-1])]
    assert bytes([0x9C]) + b"".join(map(tool.messagepack, fields)) == packed
    digest = sha256(packed).digest()
    assert digest == tool.row_hash(previous, row) == chain_hash(tuple(fields))  # type: ignore[arg-type]
    assert digest.hex() == quoted("and SHA-256 of them is")
    assert tool.base64_encode(digest) == quoted("in Base64") == row["hash"]


def test_the_example_of_a_proof() -> None:
    [text] = [each.text for each in BLOCKS if each.text.startswith('{"stream_id"')]
    row = json.loads(text)
    entry, index, checkpoint = tool.open_proof(
        block("text proof").encode(), [tool.Key(quoted("The key of this example is"))], None
    )
    assert entry.decode() == f"{row['stream_id']}/{row['version']} {row['hash']}"
    assert (index, checkpoint.size) == (1, 3)
    assert tool.leaf_hash(entry).hex() == quoted("SHA-256 of 0x00 and the entry,")


def names(after: str) -> list[str]:
    """The names in backticks in the cell of a line that begins so."""
    [line] = [each for each in PAGE.splitlines() if each.startswith(after)]
    return re.findall(r"`(\w+)`", line[len(after) :])


def test_the_fields_are_those_that_are_written() -> None:
    assert names("| first |") == list(BundleHead.__struct_fields__)
    assert names("| each other |") == list(BundleRow.__struct_fields__) == tool.ROW
    assert names("| `seal/<8 digits>` |") == list(SealHeader.__struct_fields__) == tool.SEAL


def test_the_bounds_are_those_of_the_checker() -> None:
    assert f"lines of signatures, 1 to {tool.SIGNATURES}" in PAGE
    assert f"at most {tool.NOTE_LIMIT >> 20} MiB" in PAGE
    assert f"at most {tool.PATH_LIMIT}, a line each" in PAGE


def test_the_policy_lets_in_what_delivers() -> None:
    [policy] = [json.loads(each.text) for each in BLOCKS if each.text.startswith('{\n  "Version"')]
    objects, bucket = policy["Statement"]
    assert (tuple(objects["Action"]), tuple(bucket["Action"])) == (OBJECT_ACTIONS, BUCKET_ACTIONS)
    assert objects["Resource"] == bucket["Resource"] + "/daybook-prod/*"
    assert {each["Principal"]["AWS"] for each in policy["Statement"]} == {"COPY_ROLE_ARN"}
