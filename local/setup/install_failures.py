"""Turns what venv, pip and npm say when they fail into a sentence with a remedy. Standard library only."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """A known cause: what an installer prints, and what to tell the person."""

    pattern: str
    sentence: str


UNREACHABLE = (
    r"NewConnectionError|NameResolutionError|Temporary failure in name resolution|getaddrinfo|ENOTFOUND|EAI_AGAIN"
    r"|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ConnectTimeoutError|ReadTimeoutError|ProxyError|Network is unreachable"
)
"""What pip, npm and what is built like them print when nothing answers."""

_CAUSES: tuple[Cause, ...] = (
    Cause(
        r"No module named '?venv|ensurepip is not available|No module named '?ensurepip|ensurepip.*non-zero exit",
        "This Python cannot make virtual environments: its venv or ensurepip module is missing. "
        "Install it (Debian, Ubuntu: apt-get install python3-venv) and try again.",
    ),
    Cause(
        r"No space left on device|ENOSPC",
        "The disk is full.",
    ),
    Cause(
        r"Python\.h: No such file|'Python\.h' file not found",
        "A package has to be compiled and Python's C headers are missing. Install them "
        "(Debian, Ubuntu: apt-get install python3-dev; Fedora: dnf install python3-devel) and try again.",
    ),
    Cause(
        r"command '[^']*(gcc|cc|clang|g\+\+|c\+\+)' failed: No such file|unable to execute '[^']*(gcc|cc|clang)'"
        r"|linker `cc` not found|xcrun: error",
        "A package has to be compiled and there is no C compiler. Install one "
        "(Debian, Ubuntu: apt-get install build-essential; macOS: xcode-select --install) and try again.",
    ),
    Cause(
        r"EINTEGRITY|THESE PACKAGES DO NOT MATCH",
        "A downloaded package is not the one that was locked: its hash differs. Nothing of it was installed. Clear the "
        "package manager's cache and try again; if it stays so, the registry or a mirror serves something else.",
    ),
    Cause(
        r"Hashes are required in --require-hashes mode",
        "A package has no hash in its lock file. Compile the locks again with `make lock`.",
    ),
    Cause(
        UNREACHABLE,
        "A package registry could not be reached. Check the network, or the proxy settings, and try again.",
    ),
    Cause(
        r"SSLError|CERTIFICATE_VERIFY_FAILED|SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER",
        "The registry's certificate was not accepted. Check the machine's certificates, or the proxy, and try again.",
    ),
    Cause(
        r"No matching distribution found|Could not find a version that satisfies",
        "The package registry does not have one of the pinned packages for this Python. "
        "Python 3.11 to 3.14 on Linux or macOS is known to work: choose one with `make PYTHON=python3.13 …`.",
    ),
    Cause(
        r"[Pp]ermission denied|EACCES",
        "A file of the repository cannot be written. Check who owns the repository's folder.",
    ),
)


def explain(output: str) -> str:
    """The sentence for the first known cause in an installer's output, else a general one."""
    for cause in _CAUSES:
        if re.search(cause.pattern, output):
            return cause.sentence
    return "Installing the packages failed."
