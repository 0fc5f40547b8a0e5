"""A log with several seals to tamper with, and the three who look: the verification, the sealer, and who has a copy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lambdas.transparency import note
from lambdas.transparency.errors import LogConflictError
from lambdas.transparency.memory import MemoryLogStore
from lambdas.verification.findings import Findings
from lambdas.verification.log import Log, terms_of
from tests.support.grown_log import copy_to
from tests.support.log_signer import verifies
from tests.support.sealing_world import SealingWorld
from tools import verify_proof

Change = Callable[[bytes], bytes]


def sealed_world() -> SealingWorld:
    """Four seals, 319 entries: `a` has 305 versions, `b` 7 after a restore, `c` 4."""
    world = SealingWorld()
    world.book("a", events=299)
    world.book("b", events=5)
    world.seal()
    world.book("a", events=5)
    world.book("c", events=3)
    world.seal()
    world.restore("b", 3)
    world.book("b", events=2)
    world.seal()
    world.book("a")
    world.book("b", events=2)
    world.book("c")
    world.seal()
    return world


def edit(store: MemoryLogStore, name: str, change: Change) -> None:
    """Put something else in the place of an object."""
    content = store.contents()[name][0]
    changed = change(content)
    assert changed != content
    store.put(name, changed)


def swap(store: MemoryLogStore, one: str, other: str) -> None:
    """Put two objects in each other's place."""
    contents = store.contents()
    store.put(one, contents[other][0])
    store.put(other, contents[one][0])


def byte_off(content: bytes, at: int) -> bytes:
    """One bit of a byte is another one."""
    at %= len(content)
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def verified(world: SealingWorld) -> list[str]:
    """What `daybook verify --all` finds in the log itself, in order; it ends at what cannot be read any further."""
    findings, key = Findings(), world.signer.public_key()
    try:
        terms = terms_of(world.store, world.index)
        assert terms is not None
        Log(world.store, terms, "salt", public_key=key, verify=verifies).recompute(findings=findings)
    except LogConflictError as error:
        return [*map(str, findings.named), str(error)]
    return [str(finding) for finding in findings.named]


def sealed(world: SealingWorld) -> list[str]:
    """What `daybook seal` finds, with new events to seal: why it stops, or whose history forks."""
    world.book("a")
    world.book("d")
    try:
        outcome = world.seal()
    except LogConflictError as error:
        return [str(error)]
    return [f"{fork.account_id}/{fork.version} forks" for fork in outcome.forks]


def checked_copy(world: SealingWorld, folder: Path, *options: str, key: note.VerifierKey | None = None) -> str:
    """What `verify_proof.py log` says of a copy: yes or no, and why."""
    copy = copy_to(world.store, folder)
    try:
        found = verify_proof.answer(["log", str(copy), "--key", note.vkey(*(key or world.key)), *options])
    except verify_proof.No as no:
        return f"no: {no}"
    return f"yes: {found.splitlines()[0]}"
