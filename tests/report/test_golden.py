"""Tests that every text format is, byte for byte, what ``golden/`` holds.

After a change that is meant, write them anew and read the difference before you commit it::

    TILTYARD_GOLDEN=write ./run pytest tests/report/test_golden.py && git diff tests/report/golden
"""

import os
from pathlib import Path

import pytest
from odd_boards import ENVIRONMENTS, NAMES, board_of, named
from toy_store import MINUS, PLUS, record

import tiltyard
from tiltyard.report.badge import badges
from tiltyard.report.document import board_json, leaderboard_json
from tiltyard.report.latex import leaderboard_latex
from tiltyard.report.markdown import page_markdown, readme_markdown
from tiltyard.report.paper_data import gaps, profiles, to_csv, work_precision
from tiltyard.run.record import Status
from tiltyard.suite import Budget

GOLDEN = Path(__file__).parent / "golden"
WRITE = os.environ.get("TILTYARD_GOLDEN") == "write"


def standard(toy):
    """Return a board with a tie, an interval, failures, a pair that is unsupported, an odd name.

    Costs differ by powers of ten only, so that no sum depends on how a machine rounds.
    """
    failed = {"status": Status.CRASHED, "reason": "as asked"}
    unsupported = {"status": Status.UNSUPPORTED, "reason": "needs sign = plus"}
    records = [
        named("first", problem=PLUS),
        named("first", problem=MINUS),
        named("here", problem=PLUS, seconds=0.01),
        named("here", problem=MINUS, seconds=0.1),
        named("there", problem=PLUS, seconds=0.1),
        named("there", problem=MINUS, seconds=0.01),
        named(NAMES[0], problem=PLUS, seconds=0.1),
        named(NAMES[0], problem=MINUS, seconds=0.1),
        record("halve", PLUS, [(0.1, 0.05)]),
        record("halve", MINUS, [(0.1, 0.5)]),
        record("positive_only", PLUS, [(0.01, 0.0)]),
        record("positive_only", MINUS, [], **unsupported),
        record("misbehave", PLUS, [(0.01, 0.05)], **failed),
        record("misbehave", MINUS, [(0.01, 1e9)], **failed),
    ]
    return board_of(toy, records)


def smoke(toy):
    """Return a board of the smoke tier with one row."""
    one = record("halve", "line[x0=1.0,instance=0]", [(0.01, 0.001)], budget=Budget(seconds=0.05))
    return board_of(toy, [one], "smoke")


def contents(toy):
    """Return the golden files by name, as they are made now."""
    board, small = standard(toy), smoke(toy)
    found = {
        "leaderboard.json": leaderboard_json(
            [board_json(one, ENVIRONMENTS) for one in (board, small)]
        ),
        "profile-average.csv": to_csv(board, ("ratio", "share"), profiles(board, None)),
        "gap.csv": to_csv(board, ("problem", "gap"), gaps(board)),
        "time-accuracy.csv": to_csv(board, ("seconds", "target"), work_precision(board)),
    }
    for one in (board, small):
        found[f"{one.tier}.md"] = page_markdown(one, ENVIRONMENTS)
        found[f"{one.tier}-readme.md"] = readme_markdown(one, ENVIRONMENTS)
        found[f"{one.tier}.tex"] = leaderboard_latex(one, ENVIRONMENTS)
        found.update({f"badge-{one.tier}-{file}": svg for file, svg in badges(one)})
    return found


@pytest.fixture
def made(toy, monkeypatch):
    """Return the files as they are made now, by a version that never changes."""
    monkeypatch.setattr(tiltyard, "__version__", "0.0.0")
    return contents(toy)


def test_files_are_what_they_were(made):
    if WRITE:
        GOLDEN.mkdir(exist_ok=True)
        for path in GOLDEN.iterdir():
            path.unlink()
        for name, text in made.items():
            (GOLDEN / name).write_bytes(text.encode())
        pytest.skip("wrote the golden files: compare them with git diff")
    assert sorted(made) == sorted(path.name for path in GOLDEN.iterdir())
    for name, text in made.items():
        assert text == (GOLDEN / name).read_bytes().decode(), name


def test_the_golden_board_has_a_tie_and_an_interval(toy):
    ranks = {row.implementation: row for row in standard(toy).rows}
    assert ranks["here"].rank == ranks["there"].rank
    assert ranks["here"].rank_low < ranks["here"].rank_high
