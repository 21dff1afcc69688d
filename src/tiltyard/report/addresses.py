"""Where each page of the site lies, from the site's root; every name is safe in a file system."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from tiltyard.board import Board
from tiltyard.report.format import slug

INDEX = "index.html"
CLAIMS = "claims.html"
HISTORY = "history.html"
METHODS = "methods.html"

_OWN = {INDEX, CLAIMS, HISTORY, METHODS}
_LETTERS = 40


def suite_address(suite: str) -> str:
    """Return the address of a suite's page."""
    page = f"{slug(suite)}.html"
    return page if page.lower() not in _OWN else f"{slug(suite)}~.html"


def suite_folder(suite: str) -> str:
    """Return the folder of the pages below a suite's."""
    folder = slug(suite)
    return folder if folder.lower() != "history" else f"{folder}~"


def implementation_address(suite: str, implementation: str) -> str:
    """Return the address of an implementation's page."""
    return _below(suite, "implementation", implementation)


def problem_address(suite: str, problem: str) -> str:
    """Return the address of a problem's page."""
    return _below(suite, "problem", problem)


def duel_address(suite: str, first: str, second: str) -> str:
    """Return the address of the page of two implementations, whichever comes first."""
    return _below(suite, "duel", *sorted((first, second)))


def history_address(group: str) -> str:
    """Return the address of the history of a suite, or of another group of benchmarks."""
    return f"history/{slug(group)}.html"


def markdown_address(board: Board) -> str:
    """Return the address of a leaderboard as Markdown."""
    return f"{board_stem(board)}.md"


def board_stem(board: Board) -> str:
    """Return what the names of a leaderboard's own files start with."""
    parts = (board.suite.name, board.track, board.kind, board.tier)
    return "-".join(slug(part) for part in parts if part)


@lru_cache(maxsize=1 << 14)  # every page links to most of the others
def _below(suite: str, kind: str, *names: str) -> str:
    """Return a readable name with a hash that keeps apart what reads alike."""
    clean = [re.sub(r"[^A-Za-z0-9]+", "-", name)[:_LETTERS].strip("-") or "x" for name in names]
    digest = hashlib.sha256("\x1f".join(names).encode()).hexdigest()[:8]
    return f"{suite_folder(suite)}/{kind}-{'-vs-'.join(clean)}-{digest}.html"
