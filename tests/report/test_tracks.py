"""Every track of a suite has a leaderboard, and files, of its own."""

import json

import pytest
from odd_boards import ENVIRONMENTS, board_of
from toy_store import PLUS, fill, record

from tiltyard.grouping import boards, by_part
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

FAST, SLOW = [(0.001, 0.5), (0.01, 0.001)], [(0.001, 0.5), (0.1, 0.001)]
HARD = {"status": Status.UNSUPPORTED, "reason": "needs surface = soft; this problem has hard"}
SMOKE = {"suite": "ground", "budget": Budget(seconds=0.05)}


def ground():
    """Return smoke runs: shovel wins on what is hard, and loses on what is soft."""
    return [
        record("shovel", "meadow", SLOW, **SMOKE),
        record("shovel", "sample[name=sand]", SLOW, **SMOKE),
        record("shovel", "sample[name=granite]", FAST, **SMOKE),
        record("spade", "meadow", FAST, **SMOKE),
        record("spade", "sample[name=sand]", FAST, **SMOKE),
        record("spade", "sample[name=granite]", [], **SMOKE, **HARD),
    ]


def tracks_of(toy, records, tier="smoke"):
    return by_part(boards(toy, toy.suite("ground"), tier, records, ENVIRONMENTS))


@pytest.fixture
def two(toy):
    """Return the boards of both tracks, in the suite's order."""
    (soft,), (hard,) = tracks_of(toy, ground())
    return soft, hard


def test_problems_of_two_tracks_never_share_a_ranking(two):
    soft, hard = two
    assert (soft.track, soft.problems, soft.of) == ("soft", ["meadow", "sample[name=sand]"], 2)
    assert (hard.track, hard.problems, hard.of) == ("hard", ["sample[name=granite]"], 1)
    assert [row.implementation for row in soft.rows] == ["spade", "shovel"]
    assert soft.describe().startswith("tier smoke, track soft, 2 of 2 problems")
    assert soft.pool != hard.pool


def test_who_takes_nothing_of_a_track_has_no_row_but_a_reason(two):
    soft, hard = two
    assert soft.absent == {}
    assert [row.implementation for row in hard.rows] == ["shovel"]
    assert hard.absent == {"spade": HARD["reason"]}
    assert "Take no problem of this track: `spade`." in page_markdown(hard, ENVIRONMENTS)


def test_board_of_unsupported_pairs_alone_keeps_its_rows(toy):
    one = record("spade", "sample[name=granite]", [], **SMOKE, **HARD)
    ((board,),) = tracks_of(toy, [one])
    assert ([row.implementation for row in board.rows], board.absent) == (["spade"], {})


def test_boards_of_suites_without_tracks_keep_every_row(toy):
    unsupported = {"status": Status.UNSUPPORTED, "reason": "needs more"}
    board = board_of(toy, [record("halve", PLUS, SLOW), record("noisy", PLUS, [], **unsupported)])
    assert (board.track, board.scope, board.absent) == ("", "standard", {})
    assert [row.implementation for row in board.rows] == ["halve", "noisy"]


def test_other_conditions_come_after_the_main_board_of_their_track(toy):
    other = record("shovel", "meadow", SLOW, suite="ground", budget=Budget(seconds=9))
    found = tracks_of(toy, [other, *ground()])
    assert [[board.track for board in track] for track in found] == [["soft", "soft"], ["hard"]]
    assert found[0][0].conditions.budget == Budget(seconds=0.05)


def test_problem_that_is_not_known_any_more_is_of_no_track(toy):
    gone = record("shovel", "swamp", SLOW, **SMOKE)
    found = tracks_of(toy, [gone, *ground()], tier=None)
    assert [track[0].track for track in found] == ["soft", "hard", ""]


def test_every_file_of_a_board_names_its_track(two):
    _, hard = two
    files = dict(exports(hard, ENVIRONMENTS, papers=False))
    assert sorted(files) == [
        "badges/ground-hard-smoke-shovel.svg",
        "latex/ground-hard-smoke.tex",
    ]
    assert command(hard) == "tiltyard run ground --tier smoke --track hard"
    assert readme_markdown(hard, ENVIRONMENTS).startswith("<!-- tiltyard:ground:hard:smoke -->\n")
    assert page_markdown(hard, ENVIRONMENTS).startswith("# Ground, tier smoke, track hard\n")
    assert r"\label{tab:tiltyard-ground-hard-smoke}" in leaderboard_latex(hard, ENVIRONMENTS)
    assert "tiltyard ground hard" in dict(badges(hard))["shovel.svg"]
    heads, first, *_ = to_csv(hard, ("problem", "gap"), gaps(hard)).splitlines()
    assert heads.startswith('"suite","track","tier","pool"')
    assert first.startswith('"ground","hard","smoke"')


def test_site_shows_a_section_for_each_track(site, tmp_path):
    pages = site(ground(), out=tmp_path / "out")
    page = pages["ground.html"]
    assert {"tier-smoke-soft", "tier-smoke-hard"} <= set(page.ids)
    soft = page.tables["Leaderboard, tier smoke, track soft"]
    assert [row[1] for row in soft[2:]] == ["spade", "shovel"]
    hard = page.tables["Leaderboard, tier smoke, track hard"]
    assert [row[1] for row in hard[2:]] == ["shovel"]
    assert f"spade: {HARD['reason']}" in page.text
    written = {path.name for path in (tmp_path / "out").glob("ground-*.md")}
    assert written == {"ground-soft-smoke.md", "ground-hard-smoke.md"}
    index = pages["index.html"].text
    assert "Tier smoke, track soft" in index
    assert "Tier smoke, track hard" in index


def test_pages_below_a_suites_keep_to_their_track(site):
    pages = site(ground())
    by_start = {name.partition("-")[2]: page for name, page in pages.items() if "ground/" in name}
    meadow = next(page for name, page in by_start.items() if name.startswith("meadow"))
    assert "Every implementation, tier smoke, track soft" in meadow.tables
    assert not any("track hard" in caption for caption in meadow.tables)
    duel = next(page for name, page in by_start.items() if name.startswith("shovel-vs-spade"))
    assert {one for one in duel.ids if one.startswith("tier-")} == {"tier-smoke-soft"}


def test_document_names_tracks_and_who_takes_none(toy, tmp_path):
    out = tmp_path / "out"
    with Store(fill(tmp_path / "store.db", ground()), readonly=True) as store:
        write_site(toy, store, out)
    first, second = json.loads((out / "leaderboard.json").read_text("utf-8"))["boards"]
    assert (first["track"], first["takes_none"]) == ("soft", {})
    assert (second["track"], second["takes_none"]) == ("hard", {"spade": HARD["reason"]})
