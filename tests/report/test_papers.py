"""Tests of figures for papers: their data against brute force, their files, odd boards."""

import csv
import io
import itertools
import math
import subprocess
import sys
import xml.etree.ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_boards import NAMES, ODD, board_of, named, odd_boards
from toy_store import MINUS, PLUS, by_hand, record, toy_registry

from tiltyard.report import paper_figures
from tiltyard.report.paper_data import data_profiles, gaps, profiles, to_csv, work_precision
from tiltyard.report.papers import figures
from tiltyard.run.record import Status
from tiltyard.stats import RATIO_LIMIT, sustained

TOY = toy_registry()
METHODS = ("halve", "noisy", "called_back")


@st.composite
def some_boards(draw):
    """Return boards of runs that reach both targets, one, or none, or are not there."""
    times = st.sampled_from([0.0, 0.001, 0.002, 0.01, 0.05, 0.1, 0.15])
    records = []
    for method, problem, seed in itertools.product(METHODS, (PLUS, MINUS), (0, 1, 2)):
        kind = draw(st.sampled_from(["both", "loose", "none", "unsupported", "absent", "crashed"]))
        first, then = sorted((draw(times), draw(times)))
        points = {"both": [(first, 0.05), (then, 0.001)], "loose": [(first, 0.05)]}.get(kind, [])
        status = {"unsupported": Status.UNSUPPORTED, "crashed": Status.CRASHED}.get(
            kind, Status.STOPPED
        )
        if kind != "absent":
            records.append(record(method, problem, points, seed=seed, status=status))
    return board_of(TOY, records or [record("halve", PLUS, [(0.1, 0.5)])])


def share_within(board, name, targets, tau):
    """Return a profile's value by counting, run by run."""
    gap, shares = board.suite.gap, []

    def costs(one, problem, target):
        runs = [r for r in board.runs(one, problem) if r.status != Status.UNSUPPORTED]
        points = [sustained(run, gap, target) for run in runs]
        return [math.inf if point is None else point.seconds for point in points]

    for problem in board.problems:
        inside = []
        for target in targets:
            everyone = [costs(one, problem, target) for one in board.implementations]
            medians = [sorted(all_)[(len(all_) - 1) // 2] for all_ in everyone if all_]
            best = min(medians, default=math.inf)
            mine = costs(name, problem, target)
            inside += [c < math.inf and (c <= best or (best > 0 and c / best <= tau)) for c in mine]
        if inside:
            shares.append(sum(inside) / len(inside))
    return sum(shares) / len(shares)


def at(points, tau):
    """Return the value of a step function at tau."""
    return [share for ratio, share in points if ratio <= tau][-1]


@settings(max_examples=25)
@given(some_boards(), st.sampled_from([1.0, 1.9, 2.0, 5.0, 10.0, 75.0, 100.0]))
def test_profiles_count_runs(board, tau):
    for target in (0.1, 0.01, None):
        targets = (0.1, 0.01) if target is None else (target,)
        found = profiles(board, target)
        assert set(found) == {row.implementation for row in board.rows if row.problems}
        for name, points in found.items():
            assert at(points, tau) == pytest.approx(share_within(board, name, targets, tau))
            assert points[0][0] == 1.0
            assert points[-1][0] == RATIO_LIMIT
            assert points == sorted(points)


@settings(max_examples=25)
@given(some_boards())
def test_the_area_under_the_average_profile_is_the_score(board):
    found = profiles(board, None)
    for row in board.rows:
        if row.implementation in found:
            points = found[row.implementation]
            area = sum(
                share * math.log(after / ratio)
                for (ratio, share), (after, _) in itertools.pairwise(points)
            )
            assert area / math.log(RATIO_LIMIT) == pytest.approx(row.score)


def test_profiles_by_hand(toy):
    found = profiles(board_of(toy, by_hand()), 0.01)
    assert found["noisy"] == [(1.0, 1.0), (100.0, 1.0)]
    assert found["halve"] == [(1.0, 0.0), (2.0, 1.0), (100.0, 1.0)]
    assert found["positive_only"] == [(1.0, 0.0), (5.0, 1.0), (100.0, 1.0)]
    assert found["misbehave"] == [(1.0, 0.0), (100.0, 0.0)]


def test_data_profiles_by_hand(toy):
    found = data_profiles(board_of(toy, by_hand()), 0.1)
    # positive_only needs one step; the others' second checkpoint is the first below 0.1.
    assert found["positive_only"] == [(1.0, 1.0), (2.0, 1.0)]
    assert found["halve"] == found["noisy"] == [(1.0, 0.0), (2.0, 1.0)]
    assert found["misbehave"] == [(1.0, 0.0), (2.0, 0.0)]  # it failed
    nothing = record("halve", PLUS, [(0.1, 0.5)])
    assert data_profiles(board_of(toy, [nothing]), None) == {}


def test_gaps_and_times_are_the_boards(toy):
    board = board_of(toy, by_hand())
    ends = gaps(board)
    assert ends["halve"] == [(MINUS, 0.009), (PLUS, 0.009)]
    assert ends["positive_only"] == [(PLUS, 0.0)]
    assert ends["misbehave"] == [(MINUS, math.inf), (PLUS, math.inf)]
    times = work_precision(board)
    assert times["halve"] == [(0.02, 0.1), (0.04, 0.01)]
    assert "misbehave" not in times
    calls = work_precision(board, "oracles")
    assert calls["halve"] == [(2.0, 0.1), (3.0, 0.01)]


@given(st.lists(st.tuples(st.text(), st.floats(allow_nan=False)), min_size=1, max_size=5))
def test_a_csv_reads_back(points):
    board = board_of(TOY, by_hand())
    text = to_csv(board, ("problem", "gap"), {NAMES[3]: points})
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    assert head == ["suite", "tier", "pool", "implementation", "problem", "gap"]
    assert [(row[4], float(row[5])) for row in rows] == points
    assert {tuple(row[:4]) for row in rows} == {("toy", "standard", board.pool, NAMES[3])}


def drawn(board):
    """Return the figures of a board by the end of their names."""
    return dict(figures(board))


def test_files_and_their_fonts(toy):
    found = drawn(board_of(toy, by_hand()))
    names = ("0.01", "0.1", "average")
    stems = [f"{kind}-{name}" for name in names for kind in ("profile", "data-profile")]
    stems += ["gap", "time-accuracy", "cost-accuracy"]
    assert list(found) == [f"{stem}.{suffix}" for stem in stems for suffix in ("csv", "pdf", "svg")]
    for name, content in found.items():
        if name.endswith(".pdf"):
            assert content.startswith(b"%PDF-")
            assert b"/FontFile2" in content
            assert b"/Type3" not in content
            assert b"CreationDate" not in content
        if name.endswith(".svg"):
            root = ET.fromstring(content)  # noqa: S314 - our own output
            assert root.get("width") == "244.8pt"  # 3.4 inches
            assert b"<dc:date>" not in content


@pytest.mark.parametrize("what", ODD)
def test_odd_boards_are_drawn(toy, what):
    board = odd_boards(toy)[what]
    for figure in (
        paper_figures.draw_profiles(board, profiles(board, None), "both"),
        paper_figures.draw_gaps(board, gaps(board)),
        paper_figures.draw_work_precision(board, work_precision(board)),
    ):
        svg = paper_figures.saved(figure, "svg", what)
        assert ET.fromstring(svg).find("{http://www.w3.org/2000/svg}title").text == what  # noqa: S314 - ours


def test_the_same_board_gives_the_same_bytes_whatever_the_users_style(toy):
    usual = drawn(board_of(toy, by_hand()))
    with mpl.rc_context({"font.size": 30, "pdf.fonttype": 3, "axes.grid": True}):
        assert drawn(board_of(toy, by_hand())) == usual


def texts(figure):
    """Return all texts of a figure."""
    figure.draw_without_rendering()
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def test_the_figure_draws_what_the_csv_holds(toy):
    board = board_of(toy, by_hand())
    lines = profiles(board, 0.01)
    figure = paper_figures.draw_profiles(board, lines, "gap 0.01")
    (axes,) = figure.axes
    for line, points in zip(axes.lines, reversed(lines.values()), strict=True):
        np.testing.assert_array_equal(np.transpose(line.get_data(orig=True)), points)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == list(lines)


def test_lines_differ_without_colour(toy):
    board = board_of(toy, [named(f"m{i:02}", problem=p) for i in range(28) for p in (PLUS, MINUS)])
    lines = profiles(board, 0.01)
    (axes,) = paper_figures.draw_profiles(board, lines, "gap 0.01").axes
    looks = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in axes.lines}
    assert len(looks) == 28
    assert len({(line.get_linestyle(), line.get_marker()) for line in axes.lines}) == 28


def test_warnings_stand_above(toy):
    boards = odd_boards(toy)
    smoke = texts(paper_figures.draw_gaps(boards["smoke"], gaps(boards["smoke"])))
    assert any("smoke tier: not for publication" in text for text in smoke)
    failed = boards["all failed"]
    said = texts(paper_figures.draw_work_precision(failed, work_precision(failed)))
    assert "Every run failed." in said
    assert "there is nothing to draw" in said
    usual = boards["usual"]
    assert not any("publication" in t for t in texts(paper_figures.draw_gaps(usual, gaps(usual))))


def test_names_in_a_legend_are_legible_and_distinct(toy):
    records = [named(name) for name in (*NAMES, "y" * 299, "y" * 298)]
    board = board_of(toy, records)
    figure = paper_figures.draw_work_precision(board, work_precision(board))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(set(labels)) == len(labels) == len(records)
    assert max(map(len, labels)) <= paper_figures.NAME + len("… (3)")
    assert "$x$" in labels
    assert "[U+4E2D][U+6587] \U0001f600[U+202E]z\u00b2\u03b1" in labels


def test_matplotlib_waits_until_it_is_needed():
    code = "import sys, tiltyard.report.site; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
