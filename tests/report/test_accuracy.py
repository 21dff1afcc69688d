"""Tests of boards that rank by the final gap, of methods that answer once."""

import dataclasses

import numpy as np
import pytest
from odd_boards import ENVIRONMENTS
from toy_store import MINUS, PLUS, record

from tiltyard.grouping import boards
from tiltyard.report.accuracy import by_group, gaps, measures
from tiltyard.report.latex import leaderboard_latex
from tiltyard.report.markdown import leaderboard_markdown, page_markdown, readme_markdown
from tiltyard.report.mixture import heat_maps, parts_of
from tiltyard.report.papers import figures
from tiltyard.report.pareto import trades
from tiltyard.report.tables import leaderboard
from tiltyard.report.view import TierView
from tiltyard.run.record import Status
from tiltyard.stats import gap_credit
from tiltyard.suite import Metric


def once(method, problem, gap, *, fit=0.5, calls=10, **others):
    one = record(method, problem, [(0.1, gap)], certificate=others.pop("certificate", {}), **others)
    for point in one.checkpoints:
        point.metrics["parameters"] = 7.0
    one.phases = {"fit": fit, "inference": 0.02}
    one.oracles = {"step": calls}
    return one


@pytest.fixture
def board(toy):
    suite = toy.suite("toy")
    ratio = dataclasses.replace(suite.metrics[0], average="geometric mean")
    size = Metric(name="parameters", unit="1", better="lower", scale="log", summary="how many")
    suite = dataclasses.replace(
        suite,
        metrics=(ratio, size),
        ranking="gap",
        shown=("gap",),
        phases=("fit",),
        latency=("inference", "step"),
        grouped="colour",
        mixture="part ",
    )
    red = {"colour": "red", "part a": 0.75, "part b": 0.25}
    blue = {"colour": "blue", "part b": 1.0}
    records = [
        once("halve", PLUS, 0.5, certificate=red),
        once("halve", MINUS, 2.0, certificate=blue),
        once("noisy", PLUS, 1.0, certificate={"colour": "red"}),
        once("noisy", MINUS, 4.0, certificate={"colour": "blue"}, calls=0),
        once("called_back", PLUS, 2.0, certificate={"colour": "red"}),
        once("called_back", MINUS, 1.0, status=Status.CRASHED),
    ]
    return boards(toy, suite, "standard", records, ENVIRONMENTS)[0]


def test_credit_is_the_best_gap_over_the_run_s_own():
    values = np.array([[[1.0], [0.0]], [[4.0], [2.0]], [[np.inf], [np.nan]]])
    assert gap_credit(values)[:, 0, 0].tolist() == [1.0, 0.25, 0.0]
    assert gap_credit(values)[0, 1, 0] == 1.0
    assert gap_credit(values)[1, 1, 0] == pytest.approx(0.0, abs=1e-12)
    assert np.isnan(gap_credit(values)[2, 1, 0])


def test_rows_are_ranked_by_gap_whatever_the_time(board):
    rows = {row.implementation: row for row in board.rows}
    assert [row.implementation for row in board.rows] == ["halve", "noisy", "called_back"]
    assert rows["halve"].score == 1.0
    assert rows["noisy"].score == 0.5
    assert rows["called_back"].score == 0.125  # a quarter, and nothing for the crash
    assert rows["halve"].metrics["gap"] == pytest.approx(1.0)  # of .5 and 2
    assert rows["halve"].latency == pytest.approx(0.002)
    assert rows["halve"].phases == {"fit": 0.5}


def test_every_form_shows_the_same_columns(board):
    heads = [one.head for one in measures(board)]
    assert heads == ["gap, mean", "fit time", "time a step", "steps a second"]
    table = leaderboard(board, board.suite.targets, {n: n for n in board.implementations})
    labels = [column.label for column in table.columns]
    assert labels[4:8] == heads
    assert not any(column.group for column in table.columns)
    assert [cell.text for cell in table.rows[0][4:8]] == ["1.00", "500 ms", "2.00 ms", "500"]
    for text in (leaderboard_markdown(board), readme_markdown(board, ENVIRONMENTS)):
        assert "| gap, mean | fit time | time a step | steps a second | final gap |" in text
        assert "| 1.00 | 500 ms | 2.00 ms | 500 |" in text
    assert "gap, mean & fit time & time a step" in leaderboard_latex(board, ENVIRONMENTS)


def test_a_suite_ranked_by_cost_has_none_of_them(toy):
    suite = toy.suite("toy")
    one = record("halve", PLUS, [(0.1, 0.5)])
    (found, *_) = boards(toy, suite, "standard", [one], ENVIRONMENTS)
    assert measures(found) == []
    assert by_group(found) is None


def test_gaps_by_problem_and_by_group(board):
    rows = [[cell.text for cell in row] for row in gaps(board).rows]
    assert rows == [[MINUS, "2.00", "4.00", "failed"], [PLUS, "0.500", "1.00", "2.00"]]
    page = page_markdown(board, ENVIRONMENTS)
    assert "| implementation | blue (1 problem) | red (1 problem) |" in page
    assert "| `called_back` | failed | 2.00 |" in page
    grouped = [[cell.text for cell in row] for row in by_group(board).rows]
    assert grouped == [
        ["blue (1 problem)", "2.00", "4.00", "failed"],
        ["red (1 problem)", "0.500", "1.00", "2.00"],
    ]


def tier(board):
    names = {name: name for name in board.implementations}
    return TierView(
        board, [], names, {one.spec.id: one.spec.implementation for one in board.records}, None
    )


def test_the_heat_map_shows_the_weights_of_the_parts(board):
    (figure,) = heat_maps(tier(board))
    assert figure.svg.count("<rect") == 3  # what has no weight has no cell
    assert "<title>" + PLUS + ", a: 75 %</title>" in figure.svg
    assert 'fill-opacity="1.000"' in figure.svg
    assert "100 %" in figure.caption


def test_accuracy_is_the_gap_against_time_latency_and_parameters(board):
    found = {one.title: one for one in trades(tier(board))}
    assert {"Accuracy and time", "Accuracy and time a step", "Accuracy and parameters"} <= set(
        found
    )
    labels = [column.label for column in found["Accuracy and parameters"].table.columns]
    assert labels == ["implementation", "Pareto front", "gap", "parameters"]
    (best, *_) = found["Accuracy and parameters"].table.rows
    assert best[0].text == "halve"
    assert best[2].text == "1.00"


def test_figures_for_papers_show_costs_of_answers_and_mixtures(board):
    files = dict(figures(board))
    names = {"accuracy-latency", "accuracy-parameters", "mixture-halve"}
    assert {f"{name}.{suffix}" for name in names for suffix in ("csv", "pdf", "svg")} <= set(files)
    *_, last = files["accuracy-latency.csv"].splitlines()
    assert last.endswith('"called_back",0.002,2.0')
    cells = files["mixture-halve.csv"].splitlines()[1:]
    assert [line.rsplit(",", 1)[1] for line in cells] == ["0.0", "1.0", "0.75", "0.25"]
    assert not any(name.startswith("mixture-noisy") for name in files)


def test_parts_are_in_the_order_of_their_numbers():
    assert parts_of({"p": {"b 12": 0.1, "b 7": 0.2, "a": 0.7}}) == ["a", "b 7", "b 12"]
