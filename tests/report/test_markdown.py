"""Tests of leaderboards as Markdown."""

import dataclasses

import pytest
from odd_boards import ENVIRONMENTS, NAMES, ODD, board_of, named, odd_boards
from toy_store import MINUS, PLUS, by_hand, record

from tiltyard.report.markdown import leaderboard_markdown, readme_markdown
from tiltyard.suite import Budget

GOLDEN = """\
tier standard, device cpu, threads 1, budget 0.2 s a run, hardware Toy 3000, 2 cores, 8 GiB, \
suite version 1, pool {pool}, problems 2 of 2, seeds 1

| rank | 95 % | implementation | score | problems | reached 0.1 | reached 0.01 | time to 0.1 \
| time to 0.01 | final gap | runs |
| ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |
| 1 | 1 | `noisy` | 1.000 | 2 of 2 | 100 % | 100 % | 10.0 ms | 20.0 ms | 0.00900 | 2 solved |
| 2 | 2 | `halve` | 0.849 | 2 of 2 | 100 % | 100 % | 20.0 ms | 40.0 ms | 0.00900 | 2 solved |
| 3 | 3 | `misbehave` | 0.000 | 2 of 2 | 0 % | 0 % | missed | missed | failed \
| 1 crashed, 1 diverged |
"""


def test_the_whole_table(toy):
    records = [one for one in by_hand() if one.spec.implementation != "positive_only"]
    board = board_of(toy, records)
    assert leaderboard_markdown(board, ENVIRONMENTS) == GOLDEN.format(pool=board.pool)


def test_without_environments_the_hardware_is_its_id(toy):
    assert "hardware hardware hw" not in leaderboard_markdown(board_of(toy, by_hand()))
    assert "hardware hw," in leaderboard_markdown(board_of(toy, by_hand()))


def test_smoke_is_labelled(toy):
    one = record("halve", "line[x0=1.0,instance=0]", [(0.1, 0.5)], budget=Budget(seconds=0.05))
    text = leaderboard_markdown(board_of(toy, [one], "smoke"))
    assert text.startswith("**smoke tier: not for publication**\n\n")


def test_names_cannot_break_the_table(toy):
    (one,) = [record("halve", "line[x0=3.0,instance=0]", [(0.1, 0.5)])]
    one.spec = dataclasses.replace(one.spec, implementation="a|b`c\n<b>")
    *_, row = leaderboard_markdown(board_of(toy, [one])).splitlines()
    assert "`` a\\|b`c <b> ``" in row
    assert row.replace("\\|", "").count("|") == 12


def table(text):
    """Return the rows of the only table in a text, as they are written."""
    return [line for line in text.splitlines() if line.startswith("|")]


def test_the_block_for_a_readme_stands_between_markers(toy):
    board = board_of(toy, by_hand())
    lines = readme_markdown(board, ENVIRONMENTS).splitlines()
    assert (lines[0], lines[-1]) == ("<!-- tiltyard:toy:standard -->", "<!-- /tiltyard -->")
    (conditions,) = [line for line in lines if board.pool in line]
    assert conditions.startswith("Toy: tier standard, device cpu, threads 1, budget 0.2 s a run")
    assert "Toy 3000, 2 cores, 8 GiB" in conditions
    head, _, first, *_ = table("\n".join(lines))
    assert "| reached 0.01 | time to 0.01 | final gap |" in head
    assert first.endswith("| `noisy` | 1.000 | 2 of 2 | 100 % | 20.0 ms | 0.00900 |")
    assert first.startswith("| 1 [1")


def test_the_block_shows_ties_and_what_it_leaves_out(toy):
    records = [named(f"m{i}", problem=p) for i in range(8) for p in (PLUS, MINUS)]
    text = readme_markdown(board_of(toy, records), ENVIRONMENTS)
    assert [row.split("|")[1] for row in table(text)[2:]] == [" 1= [1] "] * 5
    assert "Toy, best 5 of 8 rows, of which 3 share rank 1: tier standard" in text


def test_the_block_tells_of_the_smoke_tier(toy):
    assert "**smoke tier: not for publication**" in readme_markdown(
        odd_boards(toy)["smoke"], ENVIRONMENTS
    )


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("all failed", "Every run failed."),
        ("all unsupported", "Every pair is unsupported."),
        ("nothing ranked", "No implementation takes 50 % of the problems."),
        ("one problem", "There is one problem only"),
    ],
)
def test_the_block_says_what_is_odd(toy, what, words):
    assert words in readme_markdown(odd_boards(toy)[what], ENVIRONMENTS)


@pytest.mark.parametrize("what", ODD)
def test_every_row_of_a_block_has_as_many_cells(toy, what):
    rows = table(readme_markdown(odd_boards(toy)[what], ENVIRONMENTS))
    assert {row.replace("\\|", "").count("|") for row in rows} == {8}


def test_names_of_all_kinds_stand_in_code(toy):
    text = leaderboard_markdown(odd_boards(toy)["names"], ENVIRONMENTS)
    assert "`$x$`" in text
    assert "`</title><script>alert(1)</script>]]>`" in text
    assert "`tab new line[U+0007]`" in text
    assert "[U+202E]" in text
    assert NAMES[4] in text
