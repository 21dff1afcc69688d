"""Methods that choose x: known optima, seeds, boxes, what they refuse."""

import itertools
import math
import subprocess
import sys

import numpy as np
import pytest
import torch

from tests.implementations.bilevel import written
from tests.suites.bilevel.small import Ridge, Squeezed, quadratic
from tiltyard import Unsupported
from tiltyard.implementations.bilevel._search import Search, Trial
from tiltyard.implementations.bilevel.grid import grid
from tiltyard.implementations.bilevel.optuna_tpe import optuna_tpe
from tiltyard.implementations.bilevel.random_search import random_search


def answers(method, seen, count, seed=0, **parameters):
    rng = np.random.default_rng(seed)
    found = list(itertools.islice(method.function(seen, rng, **parameters), count))
    return [tuple(torch.as_tensor(answer[key]).clone() for key in "xy") for answer in found]


def value(seen, answer):
    return float(seen.model.on("cpu").upper(*answer, None))


@pytest.mark.parametrize("method", [random_search, grid, optuna_tpe])
def test_the_start_comes_first_and_no_answer_is_worse_than_the_last(method):
    seen = written.problem(Ridge(), "stochastic")
    found = answers(method, seen, 25)
    np.testing.assert_array_equal(found[0][0], seen.start()[0])
    np.testing.assert_array_equal(found[0][1], seen.start()[1])
    values = [value(seen, answer) for answer in found[1:]]
    assert values == sorted(values, reverse=True)
    assert values[-1] < values[0]


@pytest.mark.parametrize("method", [random_search, optuna_tpe])
def test_the_seed_decides(method):
    first, again, other = (
        [float(x) for x, _ in answers(method, written.problem(Ridge(), "stochastic"), 15, seed)]
        for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other


def test_grid_finds_the_optimum_of_one_variable():
    seen = written.problem(written.clark_westerberg())
    x, y = answers(grid, seen, 80)[-1]
    # x = 1 is a point of the fourth grid of [0, 8].
    np.testing.assert_allclose((float(x), float(y)), (1.0, 3.0), atol=1e-7)


def test_grid_of_two_variables_looks_at_no_point_twice(monkeypatch):
    looked = []

    def look(self, at):
        looked.append(tuple(at))
        return Trial(0.0, 0.0)

    monkeypatch.setattr(Search, "look", look)
    answers(grid, written.problem(written.allende_still()), 27)
    points = looked[1:]
    assert len(set(points)) == len(points) == 25
    assert set(points) == set(itertools.product(np.linspace(0.0, 2.0, 5), repeat=2))


def test_grid_takes_two_variables_at_most():
    seen = written.problem(quadratic(dim_x=3), "deterministic")
    assert grid.unsupported(seen, "cpu") == "needs dim_x = 1 or 2; this problem has 3"


def test_optuna_takes_fifty_variables_at_most():
    seen = written.problem(quadratic(dim_x=51), "deterministic")
    with pytest.raises(Unsupported, match="needs dim_x <= 50; this problem has 51"):
        answers(optuna_tpe, seen, 1)


def test_without_optuna_the_reason_says_what_to_install():
    script = (
        "import importlib.util as u; was = u.find_spec;"
        "u.find_spec = lambda name, *rest: None if name == 'optuna' else was(name, *rest);"
        "from tiltyard.implementations.bilevel.optuna_tpe import optuna_tpe;"
        "print(optuna_tpe.missing())"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "needs optuna: pip install 'tiltyard[optuna]'"


def test_optuna_is_quiet(capfd):
    answers(optuna_tpe, written.problem(written.gumus_floudas()), 14)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("method", [random_search, optuna_tpe])
def test_a_box_around_the_start_where_x_has_no_bound(method):
    seen = written.problem(quadratic(), "deterministic")
    start = seen.start()[0]
    for x, _ in answers(method, seen, 30, radius=0.5):
        assert float((x - start).abs().max()) <= 0.5


def test_upper_constraints_before_values():
    assert Trial(5.0, 0.0).rank < Trial(1.0, 1e-3).rank < Trial(0.0, 1.0).rank
    assert Trial(1.0, 0.0).rank < Trial(5.0, 1e-9).rank < Trial(0.0, math.inf).rank
    seen = written.problem(written.gumus_floudas())
    x, y = answers(random_search, seen, 40)[-1]
    assert float(seen.model.upper_constraints(x, y).max()) <= 1e-6
    assert 2250.0 - 1e-4 <= value(seen, (x, y)) < 2300.0


@pytest.mark.parametrize("method", [random_search, grid, optuna_tpe])
def test_an_infeasible_lower_level_is_passed_over(method):
    seen = written.problem(Squeezed(), "constrained")
    x, y = answers(method, seen, 30, radius=10.0)[-1]
    assert float(x) >= 1.0 - 1e-6
    np.testing.assert_allclose(float(y), 1.0, atol=1e-6)


def test_a_nonconvex_level_is_searched_where_kkt_points_mislead():
    seen = written.problem(written.mirrlees())
    x, y = answers(grid, seen, 15)[-1]
    assert value(seen, (x, y)) == pytest.approx(1.0018059, abs=1e-6)
