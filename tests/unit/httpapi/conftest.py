"""Prepares for the handler's import: Powertools reads its variables when it is imported, wherever that happens."""

from __future__ import annotations

import os

os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "daybook")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "daybook")
