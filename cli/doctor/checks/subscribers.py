"""Whether anybody hears the alarms."""

from __future__ import annotations

from collections.abc import Iterator

from cli.doctor.account import Account
from cli.doctor.check import Check, Seen, ok, warning


def _look(account: Account) -> Iterator[Seen]:
    topic = account.output("Notifications", "AlarmTopicArn")
    if topic is None:
        yield ok("there is no topic yet")
        return
    subscriptions = account.pages("sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=topic)
    found = [each["SubscriptionArn"] for each in subscriptions]
    confirmed = [each for each in found if each.startswith("arn:")]
    if confirmed:
        yield ok(f"{len(confirmed)} confirmed")
    elif found:
        yield warning(
            f"{len(found)} wait for their confirmation, none is confirmed", "open the link in the message that AWS sent"
        )
    else:
        command = f"aws sns subscribe --topic-arn {topic} --protocol email --notification-endpoint ADDRESS"
        yield warning("nobody subscribed to the alarms", command)


SUBSCRIBERS = Check("subscribers of the alarms", "An alarm that nobody hears is silence.", _look)
