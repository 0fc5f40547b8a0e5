"""A consumer of domain events, which docs/consumers.md shows. Its tests feed it duplicates, gaps, crashes and forks."""

import json
from collections import Counter

from lambdas.contracts.domain_events import encode_domain_event


class ForkError(Exception):
    """The history was restored or rewritten: what was applied is not what the ledger holds now."""


class Consumer:
    def __init__(self, apply, reader, last):
        self.apply, self.reader, self.skipped = apply, reader, Counter()
        self.last = last  # account id to streamversion, rowhash and recordedtime of its last event, kept

    def take(self, record: bytes) -> None:
        for event in map(json.loads, record.splitlines()):
            if "streamversion" not in event:  # of another source, and no event of an account
                self.skipped[event["type"]] += 1
                continue
            account, version, last = event["subject"], event["streamversion"], self.last_of(event)[0]
            if version <= last:
                continue  # seen before
            for missing in self.reader.read(account, after=last, up_to=version - 1):
                self.accept(json.loads(encode_domain_event(missing)))
            self.accept(event)

    def last_of(self, event: dict) -> tuple:
        version, rowhash, recorded = self.last.get(event["subject"], (0, "", ""))
        place, moment = event["streamversion"], event["recordedtime"]
        changed = place == version and event["rowhash"] != rowhash
        if changed or (place < version and moment > recorded) or (place > version and moment < recorded):
            raise ForkError(f"{event['id']} is of another history than version {version}")
        return version, rowhash, recorded

    def accept(self, event: dict) -> None:
        account, following = event["subject"], self.last_of(event)[0] + 1
        if event["streamversion"] != following:
            raise LookupError(f"{account}: no event {following}")
        self.apply(event)  # ignore types you do not know, but count them
        self.last[account] = following, event["rowhash"], event["recordedtime"]
