"""Whether anybody hears the alarms, and whether anybody keeps checkpoints of the log."""

from __future__ import annotations

from collections.abc import Iterator

from cli.doctor.account import Account
from cli.doctor.check import Check, Seen, ok, warning


def _look(account: Account) -> Iterator[Seen]:
    topic = account.output("Notifications", "AlarmTopicArn")
    if topic is None:
        yield ok("there is no topic yet")
        return
    found = _subscriptions(account, topic)
    confirmed = _confirmed(found)
    if confirmed:
        yield ok(f"{len(confirmed)} confirmed")
    elif found:
        yield warning(
            f"{len(found)} wait for their confirmation, none is confirmed", "open the link in the message that AWS sent"
        )
    else:
        command = f"aws sns subscribe --topic-arn {topic} --protocol email --notification-endpoint ADDRESS"
        yield warning("nobody subscribed to the alarms", command)


def _look_at_checkpoints(account: Account) -> Iterator[Seen]:
    topic = account.output("Transparency", "CheckpointTopicArn")
    if topic is None:
        yield ok("there is no log yet")
    elif not account.config.protect_data:
        yield ok(f"{account.config.name} protects no data")
    elif confirmed := _confirmed(_subscriptions(account, topic)):
        yield ok(f"{len(confirmed)} subscribed to the topic")
    else:
        yield warning(
            "nobody is told of the log's checkpoints",
            f"set `checkpoint_bucket_arn` of {account.config.name} in stacks/environment.py: see docs/proof.md",
        )


def _subscriptions(account: Account, topic: str) -> list[str]:
    found = account.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=topic)
    return [each["SubscriptionArn"] for each in found]


def _confirmed(subscriptions: list[str]) -> list[str]:
    return [each for each in subscriptions if each.startswith("arn:")]


SUBSCRIBERS = Check("subscribers of the alarms", "An alarm that nobody hears is silence.", _look)
CHECKPOINTS = Check(
    "keepers of checkpoints",
    "Only a checkpoint that is kept elsewhere shows that an administrator of this account wrote another log.",
    _look_at_checkpoints,
)
