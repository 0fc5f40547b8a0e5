"""The metrics that templates refer to: in alarms, in the dashboard, and made from logs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.infrastructure.synthesis import Synthesized

TOKEN = "<known at deployment>"


class Used(NamedTuple):
    """A metric, and what refers to it. Values that are known at deployment only are TOKEN."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]
    by: str


def used(environment: Synthesized) -> list[Used]:
    """Every metric of every alarm and of the dashboard."""
    return [*_of_alarms(environment), *_of_dashboard(environment)]


def _of_alarms(environment: Synthesized) -> Iterator[Used]:
    for stack in environment.stacks:
        for each in stack.resources("AWS::CloudWatch::Alarm").values():
            alarm = each["Properties"]
            queries = [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", []) if "MetricStat" in one]
            for metric in queries or [alarm]:
                where = frozenset((one["Name"], _text(one["Value"])) for one in metric.get("Dimensions", []))
                yield Used(metric["Namespace"], metric["MetricName"], where, alarm["AlarmName"])


def _of_dashboard(environment: Synthesized) -> Iterator[Used]:
    for widget in widgets(environment):
        for namespace, name, *more in widget["properties"].get("metrics", []) if widget["type"] == "metric" else []:
            yield _line(namespace, name, more, widget["properties"]["title"])


def _line(namespace: str, name: str, more: list[Any], title: str) -> Used:
    words = [each for each in more if isinstance(each, str)]
    return Used(namespace, name, frozenset(zip(words[::2], words[1::2], strict=True)), f"the graph {title}")


def widgets(environment: Synthesized) -> list[dict[str, Any]]:
    """The widgets of the dashboard, without its lines of metric math."""
    _, dashboard = environment.watch.only("AWS::CloudWatch::Dashboard")
    body = json.loads(_text(dashboard["Properties"]["DashboardBody"]))
    for widget in body["widgets"]:
        lines = widget["properties"].get("metrics", [])
        widget["properties"]["metrics"] = [line for line in lines if isinstance(line[0], str)]
    found: list[dict[str, Any]] = body["widgets"]
    return found


def _text(value: Any) -> str:
    match value:
        case str():
            return value
        case {"Fn::Join": ["", list() as parts]}:
            return "".join(_text(each) for each in parts)
        case _:
            return TOKEN


def from_logs(environment: Synthesized) -> list[tuple[Used, str]]:
    """Every metric that CloudWatch Logs makes from the gateway's access log, and the pattern of the lines it counts."""
    fields = access_log(environment)
    found = []
    for each in environment.api.resources("AWS::Logs::MetricFilter").values():
        [made] = each["Properties"]["MetricTransformations"]
        where = frozenset((one["Key"], fields[one["Value"].removeprefix("$.")]) for one in made["Dimensions"])
        pattern = each["Properties"]["FilterPattern"]
        found.append((Used(made["MetricNamespace"], made["MetricName"], where, "the access log"), pattern))
    return found


def access_log(environment: Synthesized) -> dict[str, str]:
    """The fields of a line of the access log, and where the gateway takes them from."""
    _, stage = environment.api.only("AWS::ApiGateway::Stage")
    fields: dict[str, str] = json.loads(stage["Properties"]["AccessLogSetting"]["Format"])
    return fields


def matches(pattern: str, line: dict[str, str]) -> bool:
    """Whether a line fits a pattern of comparisons that are joined by `&&`; an asterisk stands for anything.

    Source: CloudWatch Logs User Guide, "Filter pattern syntax", JSON log events.
    """
    terms = re.findall(r'\(\$\.(\w+) (!?=) "([^"]*)"\)', pattern)
    assert pattern == "{ " + " && ".join(f'($.{field} {sign} "{value}")' for field, sign, value in terms) + " }"
    return all(
        (re.fullmatch(re.escape(value).replace(r"\*", ".*"), line[field]) is not None) == (sign == "=")
        for field, sign, value in terms
        if field in line or sign == "="
    )
