"""A consumer of domain events, which docs/consumers.md shows. Its tests feed it duplicates, gaps and crashes."""

import json

from lambdas.contracts.domain_events import encode_domain_event


class Consumer:
    def __init__(self, apply, reader, last):
        self.apply, self.reader, self.last = apply, reader, last  # last: account id to streamversion, kept

    def take(self, record: bytes) -> None:
        for line in record.splitlines():
            event = json.loads(line)
            account, streamversion = event["subject"], event["streamversion"]
            last = self.last.get(account, 0)
            if streamversion <= last:
                continue  # seen before
            for missing in self.reader.read(account, after=last, up_to=streamversion - 1):
                self.accept(json.loads(encode_domain_event(missing)))
            self.accept(event)

    def accept(self, event: dict) -> None:
        account, following = event["subject"], self.last.get(event["subject"], 0) + 1
        if event["streamversion"] != following:
            raise LookupError(f"{account}: no event {following}")
        self.apply(event)  # ignore types you do not know, but count them
        self.last[account] = following
