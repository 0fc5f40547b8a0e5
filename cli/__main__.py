"""This package, run as a module: the same as `daybook`."""

import sys

from cli.app import main

if __name__ == "__main__":
    sys.exit(main())
