"""Tests of what pages and files show of a tuned leaderboard."""

import dataclasses
import json

import pytest
from toy_store import record

from tiltyard.registry import Registry
from tiltyard.report.addresses import implementation_address
from tiltyard.tuning import draws

PROBLEMS = [f"line[x0={x}.0,instance=0]" for x in (3, 4, 5)]


@pytest.fixture
def longer(toy):
    """Return a registry whose standard tier has three problems."""
    family = toy.families["toy", "line"]
    grid = tuple({"x0": float(x)} for x in (3, 4, 5))
    return Registry(
        suites=toy.suites,
        families={("toy", "line"): dataclasses.replace(family, tiers={"standard": grid})},
        implementations=toy.implementations,
    )


def records(registry, problems=PROBLEMS):
    """Return runs in which the second draw is always the best."""
    first, second = draws(registry.implementation("toy", "halve"), 2)
    times = (({"factor": 0.5}, 0.01), (first, 0.1), (second, 0.001), ({"factor": 0.25}, 0.05))
    made = [
        record("halve", problem, [(seconds, 0.005)], parameters=parameters)
        for problem in problems
        for parameters, seconds in times
    ]
    return made + [record("noisy", problem, [(0.002, 0.005)]) for problem in problems]


def test_the_tuned_board_stands_beside_the_default_one(site, longer):
    page = site(records(longer), registry=longer)["toy.html"]
    default = [row[1] for row in page.tables["Leaderboard, tier standard"][2:]]
    assert [name.partition("other")[0] for name in default] == [
        "noisy",
        "halve",
        "halve[factor=0.25]",
    ]
    rows = page.tables["Leaderboard, tier standard, tuned(2)"][2:]
    assert [row[1] for row in rows] == ["halve", "noisy"]
    assert rows[0][2] == "1.000"
    assert "Nothing to tune, so at the defaults: noisy." in page.text
    assert "tiltyard run toy --tier standard --seeds 1 --tune 2" in page.text


def test_the_implementations_page_tells_what_was_chosen(site, longer):
    pages = site(records(longer), registry=longer)
    second = draws(longer.implementation("toy", "halve"), 2)[1]["factor"]
    page = pages[implementation_address("toy", "halve")]
    (row,) = page.tables["Chosen by tuned(2), tier standard"][1:]
    assert row == [f"halve[factor={second}]", "3 problems", "100 %"]
    noisy = pages[implementation_address("toy", "noisy")]
    assert not any(caption.startswith("Chosen") for caption in noisy.tables)


def test_without_draws_nothing_is_said(site, longer):
    plain = [one for one in records(longer) if one.spec.parameters in ({}, {"factor": 0.5})]
    page = site(plain, registry=longer)["toy.html"]
    assert "uned(" not in page.text
    assert "no tuned leaderboard" not in page.text


def test_too_few_problems_are_said(site, longer, tmp_path):
    pages = site(records(longer, PROBLEMS[:2]), registry=longer)
    reason = "There is no tuned leaderboard: 2 problems with all runs"
    assert reason in pages["toy.html"].text
    assert reason in (tmp_path / "deep" / "out" / "toy-standard.md").read_text("utf-8")


def test_markdown_has_both_boards_and_json_the_default_one(site, longer, tmp_path):
    site(records(longer), registry=longer)
    text = (tmp_path / "deep" / "out" / "toy-standard.md").read_text("utf-8")
    before, _, after = text.partition("\n## tuned(2)\n")
    assert "| 1 | 1 | `noisy` |" in before
    assert "| 1 | 1 | `halve` |" in after
    assert "parameters tuned(2)" in after
    assert after.endswith("\nNothing to tune, so at the defaults: noisy.\n")
    document = json.loads((tmp_path / "deep" / "out" / "leaderboard.json").read_text("utf-8"))
    (board,) = document["boards"]
    names = {row["implementation"] for row in board["rows"]}
    assert names == {"halve", "halve[factor=0.25]", "noisy"}
