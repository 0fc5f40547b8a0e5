"""Credentials of another account are refused before anything is done, and nothing is done on this machine's word."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from deploy.__main__ import COMMANDS, main
from deploy.account import open_account
from deploy.errors import AccountError
from local.machine.layout import REPOSITORY
from stacks.environment import CLOUD_NAMES, DEV


class Session:
    """boto3's, with credentials of one account and a profile's region."""

    account = "123456789012"
    profile_region: str | None = "eu-west-1"
    refusal: Exception | None = None

    def __init__(self, region_name: str | None = None) -> None:
        self.region_name = region_name or self.profile_region

    def client(self, service: str, config: object) -> Any:
        assert service == "sts"
        return self

    def get_caller_identity(self) -> dict[str, str]:
        if self.refusal:
            raise self.refusal
        return {"Account": self.account}


@pytest.fixture(autouse=True)
def session(monkeypatch: pytest.MonkeyPatch) -> type[Session]:
    """A class of this test's own."""
    own = type("Own", (Session,), {})
    monkeypatch.setattr("boto3.Session", own)
    return own


def test_an_environment_without_a_home_goes_where_the_credentials_lead() -> None:
    found = open_account(DEV)
    assert (found.number, found.region) == ("123456789012", "eu-west-1")


def test_credentials_of_another_account_are_refused() -> None:
    with pytest.raises(AccountError, match="dev is at home in account 999999999999, and the credentials are of 12345"):
        open_account(replace(DEV, account="999999999999"))


def test_the_environments_region_is_taken_before_the_profiles() -> None:
    assert open_account(replace(DEV, account="123456789012", region="us-west-2")).region == "us-west-2"


def test_no_region_and_no_credentials_are_sentences(session: type[Session]) -> None:
    session.refusal = NoCredentialsError()
    with pytest.raises(AccountError, match="There are no usable AWS credentials"):
        open_account(DEV)
    session.profile_region = None
    with pytest.raises(AccountError, match="No region is chosen"):
        open_account(DEV)


def test_the_command_line_gets_the_callers_credentials_and_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[list[str], dict[str, str]]] = []

    def run(command: list[str], *, cwd: object, env: dict[str, str], check: bool) -> subprocess.CompletedProcess[str]:
        started.append((command, env))
        return subprocess.CompletedProcess(command, 7)

    monkeypatch.setattr("subprocess.run", run)
    monkeypatch.setenv("AWS_PROFILE", "work")
    assert open_account(replace(DEV, region="us-west-2")).cdk(["deploy", "**"]) == 7
    [(command, env)] = started
    assert command[1:] == [str(REPOSITORY / "node_modules/aws-cdk/bin/cdk"), "deploy", "**"]
    assert (env["AWS_PROFILE"], env["AWS_REGION"]) == ("work", "us-west-2")


@pytest.mark.parametrize("words", [["deploy"], ["deploy", "local"], ["destroy", "qa"], ["remove", "dev"]])
def test_an_environment_of_the_cloud_must_be_named(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """`local` is open to everybody."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "invalid choice" in (said := capsys.readouterr().err) or "required: env" in said


def test_an_error_is_a_sentence_and_a_status(session: type[Session], capsys: pytest.CaptureFixture[str]) -> None:
    session.refusal = NoCredentialsError()
    assert main(["destroy", "dev", "--yes"]) == 1
    assert capsys.readouterr().err == "\nThere are no usable AWS credentials: Unable to locate credentials\n"


def made(*words: str) -> str:
    """The last command that make would run, also when these tests are run by make, which hands variables down."""
    environ = {"PATH": os.environ["PATH"]}
    done = subprocess.run(
        ["make", "-n", *words], cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=True
    )
    return done.stdout.strip().splitlines()[-1].partition(" -m ")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_make_takes_no_environment_for_granted(command: str) -> None:
    assert made(command).split() == ["deploy", command]
    for name in CLOUD_NAMES:
        assert made(command, f"ENV={name}").split() == ["deploy", command, name]
    assert made(command, "ENV=dev", "YES=1").split() == ["deploy", command, "dev", "--yes"]
    options = made(command, "ENV=dev", "CDK_OPTIONS=--require-approval=never --verbose").split()
    assert options == ["deploy", command, "dev", "--require-approval=never", "--verbose"]
