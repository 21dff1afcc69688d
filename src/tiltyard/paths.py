"""Where Tiltyard keeps files on the user's machine."""

from __future__ import annotations

import os
from pathlib import Path


def cache_dir(kind: str) -> Path:
    """Return the folder for cached ``kind`` (``"datasets"``, ``"references"``), made if absent.

    ``TILTYARD_CACHE`` overrides the platform's own cache folder.
    """
    import platformdirs

    root = os.environ.get("TILTYARD_CACHE") or platformdirs.user_cache_dir("tiltyard")
    folder = Path(root) / kind
    folder.mkdir(parents=True, exist_ok=True)
    return folder
