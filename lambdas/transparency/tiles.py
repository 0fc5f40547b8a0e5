"""The tiles of a log and their names.

Source: C2SP, tlog-tiles (c2sp.org/tlog-tiles): tiles of 256 hashes, `tile/<L>/<N>[.p/<W>]`, entry bundles
`tile/entries/<N>[.p/<W>]`, numbers in path elements of three digits.
"""

from __future__ import annotations

from typing import Final

WIDTH: Final = 256
"""Hashes in a full tile, and entries in a full bundle."""

TILE_TYPE: Final = "application/octet-stream"
NOTE_TYPE: Final = "text/plain; charset=utf-8"
"""Content types of tiles and bundles, and of checkpoints. Source: C2SP, tlog-tiles."""
