"""`python -m local.example.introduction`: prints the beginning of `make run`. Standard library only."""

import sys

TEXT = """\
Daybook keeps bank accounts. It never overwrites a balance: each change is
appended as an *event* ("10 credited") and stays as it is. The events of an
account are numbered from 1, and the newest number is the account's *version*:
a command may say which version it has seen, and a reader may ask for the
account as it was at any of them. The balance is what the events add up to. To
spare adding all of them up, one event in ten carries a *snapshot*, the balance
at its version: a read takes the newest one and the few events after it.
"""


def main() -> None:
    """Print the introduction."""
    sys.stdout.write(f"\n{TEXT}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
