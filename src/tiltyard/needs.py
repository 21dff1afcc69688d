"""What a plug-in imports beyond the core, and what to install where it is absent."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping


def missing(needs: Mapping[str, str]) -> str:
    """Return why this machine lacks something, with the command that helps, or the empty string.

    Args:
        needs: modules, each with what ``pip install`` takes.
    """
    for module, requirement in needs.items():
        if importlib.util.find_spec(module) is None:
            return f"needs {module}: pip install '{requirement}'"
    return ""
