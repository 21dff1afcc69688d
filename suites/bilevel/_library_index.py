"""Every library problem by its name."""

from __future__ import annotations

from tiltyard.suites.bilevel import (
    _library_linear,
    _library_nonconvex,
    _library_outrata,
    _library_planar,
    _library_quartets,
    _library_spatial,
)
from tiltyard.suites.bilevel._library import Definition

DEFINITIONS: dict[str, Definition] = {
    **_library_linear.PROBLEMS,
    **_library_planar.PROBLEMS,
    **_library_nonconvex.PROBLEMS,
    **_library_outrata.PROBLEMS,
    **_library_spatial.PROBLEMS,
    **_library_quartets.PROBLEMS,
}
