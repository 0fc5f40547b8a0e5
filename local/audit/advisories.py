"""What pip-audit and npm audit said, read so that silence is never taken for good news.

Both programs end with status 1 for a vulnerability and for trouble alike, and pip-audit ends with 0 when the service
knows none of the packages, as a mirror of the registry does. So the reports decide, not the exit statuses.
"""

import json
import re
from typing import Any

from local.audit.verdict import Outcome, Verdict
from local.setup.install_failures import UNREACHABLE

_WITHOUT_ADVISORIES = {404, 405, 501}
"""How a registry answers that is a mirror and keeps packages only."""


def read_pip_audit(lock: str, report: str, errors: str) -> Verdict:
    """The verdict of `pip-audit --format json` on a lock file: its report, and what it wrote to standard error."""
    dependencies = _object(report).get("dependencies")
    if not isinstance(dependencies, list) or not dependencies:
        return _no_report("pip-audit", f"the packages of {lock}", errors)
    found = [each for each in dependencies if each.get("vulns")]
    if found:
        return Verdict(Outcome.FOUND, tuple(line for each in found for line in _python_lines(each)))
    skipped = [each["name"] for each in dependencies if "skip_reason" in each]
    if len(skipped) == len(dependencies):
        return _not_checked(
            f"the packages of {lock}", "the advisory service knows none of the packages, so it is a mirror without them"
        )
    if skipped:
        return Verdict(Outcome.FAILED, (f"pip-audit could not check {', '.join(skipped)} of {lock}.",))
    return Verdict(Outcome.GOOD, (f"None of the {len(dependencies)} packages of {lock} has a known vulnerability.",))


def read_npm_audit(report: str, errors: str) -> Verdict:
    """The verdict of `npm audit --json`: what it wrote to standard output, and to standard error."""
    content = _object(report)
    vulnerable = content.get("vulnerabilities")
    if isinstance(vulnerable, dict) and "auditReportVersion" in content:
        if vulnerable:
            lines = (f"{name}: {each.get('severity', 'unknown')} severity" for name, each in sorted(vulnerable.items()))
            return Verdict(Outcome.FOUND, tuple(lines))
        return Verdict(Outcome.GOOD, ("No npm package has a known vulnerability.",))
    if content.get("statusCode") in _WITHOUT_ADVISORIES:
        return _not_checked("npm's packages", "this registry answers no questions about advisories")
    return _no_report("npm audit", "npm's packages", f"{content.get('message', '')}\n{errors}")


def _python_lines(dependency: dict[str, Any]) -> list[str]:
    of = f"{dependency['name']} {dependency['version']}"
    return [
        f"{of}: {each['id']}, mended in {', '.join(each.get('fix_versions') or ['no version'])}"
        for each in dependency["vulns"]
    ]


def _no_report(program: str, packages: str, said: str) -> Verdict:
    if re.search(UNREACHABLE, said):
        return _not_checked(packages, "the advisory service could not be reached")
    last = said.strip().splitlines()[-1:] or ["It said nothing."]
    return Verdict(Outcome.FAILED, (f"{program} gave no report. {last[0].strip()}",))


def _not_checked(packages: str, why: str) -> Verdict:
    return Verdict(Outcome.NOT_CHECKED, (f"The advisories for {packages} were not checked: {why}.",))


def _object(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
