"""A consumer of domain events, which docs/consumers.md shows. Its tests feed it duplicates, gaps, crashes, forks and
restores."""

import json
from collections import Counter

from lambdas.contracts.domain_events import encode_domain_event

RESTORED = "daybook.ledger.Restored.v1"


class ForkError(Exception):
    """The history was restored or rewritten: what was applied is not what the ledger holds now."""


class Consumer:
    def __init__(self, apply, reader, last, restores):
        self.apply, self.reader, self.skipped = apply, reader, Counter()
        self.last = last  # account id to streamversion, rowhash and recordedtime of its last event, kept
        self.restores = restores  # account id to last good version and moment of each of its restores, kept

    def take(self, record: bytes) -> None:
        for event in map(json.loads, record.splitlines()):
            if event["type"] == RESTORED:
                self.restore(event["subject"], event["data"]["last_good_version"], event)
            elif "streamversion" not in event or self.is_revoked(event):
                self.skipped[event["type"]] += 1  # of another source, and no event of an account; or revoked
            elif event["streamversion"] > (last := self.last_of(event)[0]):  # else seen before
                for missing in self.reader.read(event["subject"], after=last, up_to=event["streamversion"] - 1):
                    self.accept(json.loads(encode_domain_event(missing)))
                self.accept(event)

    def restore(self, account: str, good: int, event: dict) -> None:
        version, _, recorded = self.last.get(account, (0, "", ""))
        if (
            version > good and recorded < event["recordedtime"]
        ):  # else there is nothing to undo, or it was undone before
            standing = list(self.reader.read(account, after=good - 1, up_to=good)) if good else []
            self.apply(event)  # undo what you applied beyond the last good version
            self.last.pop(account)
            for each in standing:
                self.last[account] = good, each.rowhash, each.recordedtime
        self.restores.setdefault(account, set()).add((good, event["recordedtime"]))

    def is_revoked(self, event: dict) -> bool:
        place, moment = event["streamversion"], event["recordedtime"]
        return any(place > good and moment < announced for good, announced in self.restores.get(event["subject"], ()))

    def last_of(self, event: dict) -> tuple:
        version, rowhash, recorded = self.last.get(event["subject"], (0, "", ""))
        place, moment = event["streamversion"], event["recordedtime"]
        changed = place == version and event["rowhash"] != rowhash
        if changed or (place < version and moment > recorded) or (place > version and moment < recorded):
            raise ForkError(f"{event['id']} is of another history than version {version}")
        return version, rowhash, recorded

    def accept(self, event: dict) -> None:
        account, following = event["subject"], self.last_of(event)[0] + 1
        if event["streamversion"] != following or self.is_revoked(event):
            raise LookupError(f"{account}: no event {following}")
        self.apply(event)  # ignore types you do not know, but count them
        self.last[account] = following, event["rowhash"], event["recordedtime"]
