"""Implementations of every kind of a suite have a leaderboard, and files, of their own."""

import dataclasses
import json

import pytest
from odd_boards import ENVIRONMENTS, board_of
from test_schema import document, validate
from toy_store import by_hand, fill, record

from tiltyard.grouping import boards, by_part, main_kind
from tiltyard.report.badge import badges
from tiltyard.report.conditions import command
from tiltyard.report.exports import exports
from tiltyard.report.latex import leaderboard_latex
from tiltyard.report.markdown import page_markdown, readme_markdown
from tiltyard.report.paper_data import gaps, to_csv
from tiltyard.report.site import write_site
from tiltyard.run.record import Status
from tiltyard.store import Store
from tiltyard.suite import Budget

FAST, SLOW = [(0.001, 0.001)], [(0.01, 0.5), (0.02, 0.001)]
SMOKE = {"suite": "depth", "budget": Budget(seconds=0.05)}


def depth():
    """Return smoke runs: the guess is the fastest, and there are more of it than of any bound."""
    return [
        record("squint", "lake", FAST, **SMOKE),
        record("squint", "lake", FAST, seed=1, **SMOKE),
        record("squint", "lake", FAST, seed=2, **SMOKE),
        record("plumb", "lake", SLOW, **SMOKE),
        record("chain", "lake", [(0.001, 0.5)], **SMOKE),
    ]


def parts_of(toy, records, tier="smoke"):
    return by_part(boards(toy, toy.suite("depth"), tier, records, ENVIRONMENTS))


@pytest.fixture
def two(toy):
    """Return the boards of both kinds, the main one first."""
    (bound,), (guess,) = parts_of(toy, depth())
    return bound, guess


def test_implementations_of_two_kinds_never_share_a_ranking(two):
    bound, guess = two
    assert (bound.kind, guess.kind) == ("bound", "guess")
    assert [(row.implementation, row.rank) for row in bound.rows] == [("plumb", 1), ("chain", 2)]
    assert [(row.implementation, row.rank) for row in guess.rows] == [("squint", 1)]
    assert bound.describe().startswith("tier smoke, kind bound, 1 of 1 problems")
    assert bound.pool != guess.pool


def test_parameters_do_not_change_a_kind(toy):
    tuned = record("plumb", "lake", SLOW, parameters={"start": 9.0}, **SMOKE)
    ((bound,), (guess,)) = parts_of(toy, [tuned, *depth()])
    assert "plumb[start=9.0]" in bound.implementations
    assert guess.implementations == ["squint"]


def test_the_main_kind_stands_for_the_suite(two, toy):
    assert [part[0].kind for part in main_kind(parts_of(toy, depth()))] == ["bound"]
    assert [part[0].kind for part in main_kind(parts_of(toy, depth()[:3]))] == ["guess"]
    assert main_kind([]) == []


def test_kinds_come_before_tracks(toy):
    suite = dataclasses.replace(toy.suite("ground"), kinds=("bound", "guess"))
    methods = {
        ("ground", name): dataclasses.replace(toy.implementations["ground", name], kind=kind)
        for name, kind in (("shovel", "guess"), ("spade", "bound"))
    }
    altered = dataclasses.replace(
        toy, implementations=methods, suites={**toy.suites, "ground": suite}
    )
    here = {**SMOKE, "suite": "ground"}
    hard = {"status": Status.UNSUPPORTED, "reason": "needs surface = soft"}
    records = [
        record("shovel", "sample[name=granite]", FAST, **here),
        record("shovel", "meadow", FAST, **here),
        record("spade", "meadow", FAST, **here),
        record("spade", "sample[name=granite]", [], **here, **hard),
    ]
    found = by_part(boards(altered, suite, "smoke", records, ENVIRONMENTS))
    assert [part[0].scope for part in found] == [
        "smoke, track soft, kind bound",
        "smoke, track hard, kind bound",
        "smoke, track soft, kind guess",
        "smoke, track hard, kind guess",
    ]
    # Alone on its board: it keeps its row, whatever takes the problem in the other kind.
    assert [row.implementation for row in found[1][0].rows] == ["spade"]
    assert found[1][0].absent == {}


def test_implementation_that_is_not_known_any_more_is_of_no_kind(toy):
    found = parts_of(toy, [record("sonar", "lake", FAST, **SMOKE), *depth()])
    assert [part[0].kind for part in found] == ["bound", "guess", ""]


def test_boards_of_suites_without_kinds_do_not_name_any(toy):
    board = board_of(toy, by_hand())
    assert (board.kind, board.scope) == ("", "standard")
    assert "kind" not in document(board)["boards"][0]


def test_every_file_of_a_board_names_its_kind(two):
    _, guess = two
    files = dict(exports(guess, ENVIRONMENTS, papers=False))
    assert sorted(files) == [
        "badges/depth-guess-smoke-squint.svg",
        "latex/depth-guess-smoke.tex",
    ]
    assert command(guess) == "tiltyard run depth --tier smoke --kind guess --seeds 3"
    assert readme_markdown(guess, ENVIRONMENTS).startswith("<!-- tiltyard:depth:guess:smoke -->\n")
    page = page_markdown(guess, ENVIRONMENTS)
    assert page.startswith("# Depth, tier smoke, kind guess\n")
    assert "tier smoke, kind guess, device cpu" in page
    assert r"\label{tab:tiltyard-depth-guess-smoke}" in leaderboard_latex(guess, ENVIRONMENTS)
    assert "tiltyard depth guess" in dict(badges(guess))["squint.svg"]
    heads, first, *_ = to_csv(guess, ("problem", "gap"), gaps(guess)).splitlines()
    assert heads.startswith('"suite","kind","tier","pool"')
    assert first.startswith('"depth","guess","smoke"')


def test_site_shows_a_section_for_each_kind(site, tmp_path):
    pages = site(depth(), out=tmp_path / "out")
    page = pages["depth.html"]
    assert [one for one in page.ids if one.startswith("tier-")] == [
        "tier-smoke-bound",
        "tier-smoke-guess",
    ]
    bound = page.tables["Leaderboard, tier smoke, kind bound"]
    assert [row[1] for row in bound[2:]] == ["plumb", "chain"]
    guess = page.tables["Leaderboard, tier smoke, kind guess"]
    assert [row[1] for row in guess[2:]] == ["squint"]
    every = page.tables["Every implementation"]
    assert {row[0]: row[1] for row in every} == {
        "implementation": "kind",
        "chain": "bound",
        "plumb": "bound",
        "squint": "guess",
    }
    written = {path.name for path in (tmp_path / "out").glob("depth-*.md")}
    assert written == {"depth-bound-smoke.md", "depth-guess-smoke.md"}
    index = pages["index.html"].text
    assert index.index("Tier smoke, kind bound") < index.index("Tier smoke, kind guess")


def test_pages_below_a_suites_keep_to_kinds(site):
    pages = site(depth())
    by_start = {name.partition("-")[2]: page for name, page in pages.items() if "depth/" in name}
    lake = next(page for name, page in by_start.items() if name.startswith("lake"))
    captions = [one for one in lake.tables if one.startswith("Every implementation")]
    assert captions == [
        "Every implementation, tier smoke, kind bound",
        "Every implementation, tier smoke, kind guess",
    ]
    duels = [name for name in by_start if "-vs-" in name]
    assert [name.startswith("chain-vs-plumb") for name in duels] == [True]
    squint = next(page for name, page in by_start.items() if name.startswith("squint"))
    assert "kind guess" in squint.text


def test_document_names_kinds_by_the_schema(toy, tmp_path):
    out = tmp_path / "out"
    with Store(fill(tmp_path / "store.db", depth()), readonly=True) as store:
        write_site(toy, store, out)
    written = json.loads((out / "leaderboard.json").read_text("utf-8"))
    assert [board["kind"] for board in written["boards"]] == ["bound", "guess"]
    validate(written)
