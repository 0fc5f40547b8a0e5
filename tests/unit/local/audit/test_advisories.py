"""Reports of pip-audit and npm audit: silence is not good news, and only the network is excused.

The samples are what the programs print, shortened.
"""

import json

import pytest

from local.audit.advisories import read_npm_audit, read_pip_audit
from local.audit.verdict import Outcome

GOOD = {"name": "rich", "version": "15.0.0", "vulns": []}
BAD = {"name": "jinja2", "version": "3.1.0", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["3.1.6"]}]}
UNKNOWN = {"name": "duckdb", "skip_reason": "Dependency not found on PyPI and could not be audited: duckdb (2.0.0)"}
NO_PROXY = """requests.exceptions.ProxyError: HTTPSConnectionPool(host='h', port=443): Max retries exceeded
(Caused by ProxyError('Unable to connect to proxy', NewConnectionError("[Errno 111] Connection refused")))"""
NO_NAME = "Caused by NameResolutionError(Failed to resolve 'h' ([Errno -3] Temporary failure in name resolution))"
BAD_CERTIFICATE = (
    "Max retries exceeded with url: /json (Caused by SSLError(SSLCertVerificationError(1, 'self-signed')))"
)


def pip_report(*dependencies: object) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


@pytest.mark.parametrize(
    ("report", "errors", "outcome", "says"),
    [
        (pip_report(GOOD), "No known vulnerabilities found", Outcome.GOOD, "None of the 1 packages"),
        (pip_report(GOOD, BAD), "Found 1 known vulnerability", Outcome.FOUND, "jinja2 3.1.0: PYSEC-2026-1"),
        (pip_report(UNKNOWN, BAD), "Found 1 known vulnerability", Outcome.FOUND, "mended in 3.1.6"),
        (pip_report(UNKNOWN, UNKNOWN), "No known vulnerabilities found", Outcome.NOT_CHECKED, "were not checked"),
        (pip_report(UNKNOWN, GOOD), "No known vulnerabilities found", Outcome.FAILED, "could not check duckdb"),
        (pip_report(), "No known vulnerabilities found", Outcome.FAILED, "gave no report"),
        ("", NO_PROXY, Outcome.NOT_CHECKED, "could not be reached"),
        ("", NO_NAME, Outcome.NOT_CHECKED, "could not be reached"),
        ("", BAD_CERTIFICATE, Outcome.FAILED, "gave no report"),
        ("", "ERROR:pip_audit._cli:503 Server Error", Outcome.FAILED, "503 Server Error"),
        ("", "", Outcome.FAILED, "It said nothing"),
        ("[]", "", Outcome.FAILED, "gave no report"),
    ],
)
def test_a_report_of_pip_audit(report: str, errors: str, outcome: Outcome, says: str) -> None:
    verdict = read_pip_audit("requirements.txt", report, errors)
    assert verdict.outcome is outcome
    assert says in " ".join(verdict.lines)


@pytest.mark.parametrize(
    ("report", "errors", "outcome", "says"),
    [
        ({"auditReportVersion": 2, "vulnerabilities": {}}, "", Outcome.GOOD, "No npm package"),
        (
            {"auditReportVersion": 2, "vulnerabilities": {"aws-cdk": {"severity": "high"}}},
            "",
            Outcome.FOUND,
            "aws-cdk: high severity",
        ),
        (
            {"message": "request failed, reason: getaddrinfo ENOTFOUND h", "error": {}},
            "",
            Outcome.NOT_CHECKED,
            "reached",
        ),
        ({"message": "request failed, reason: connect ECONNREFUSED"}, "", Outcome.NOT_CHECKED, "not checked"),
        ({"message": "405 Method Not Allowed - POST", "statusCode": 405}, "", Outcome.NOT_CHECKED, "this registry"),
        ({"message": "401 Unauthorized - POST", "statusCode": 401}, "", Outcome.FAILED, "401 Unauthorized"),
        ({"message": "500 Internal Server Error", "statusCode": 500}, "", Outcome.FAILED, "500 Internal"),
        ({"vulnerabilities": {}}, "", Outcome.FAILED, "gave no report"),
        (None, "npm error code EUSAGE", Outcome.FAILED, "EUSAGE"),
    ],
)
def test_a_report_of_npm_audit(report: object, errors: str, outcome: Outcome, says: str) -> None:
    verdict = read_npm_audit(json.dumps(report), errors)
    assert verdict.outcome is outcome
    assert says in " ".join(verdict.lines)
