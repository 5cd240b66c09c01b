"""Where the package keeps what it can make or fetch again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """The user's own cache folder: NORMTHEORY_CACHE, else below XDG_CACHE_HOME, else below ~/.cache."""
    given = os.environ.get("NORMTHEORY_CACHE")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "normtheory"
    return Path(given) if given else home
