"""Growth over a parameter: which problems are alike, and what is drawn of them."""

import dataclasses
import math

import pytest
from odd_boards import board_of
from toy_store import record, toy_registry

from tiltyard.names import parse_name
from tiltyard.report.growth import growths, lines
from tiltyard.report.papers import figures
from tiltyard.run.record import Status

TOY = toy_registry()


def _line(x0, instance=0):
    return f"line[x0={x0},instance={instance}]"


def _board(*more):
    runs = [
        record("halve", _line(x0, instance), [(seconds, gap)])
        for x0, instance, seconds, gap in (
            (1.0, 0, 0.01, 0.5),
            (1.0, 1, 0.04, 0.5),
            (10.0, 0, 0.1, 0.05),
            (100.0, 0, 0.2, 0.008),
        )
    ]
    names = {run.spec.problem for run in [*runs, *more]}
    registry = _with_tier(names)
    return board_of(registry, [*runs, *more])


def _with_tier(names):
    """Return the toy suite; its standard tier holds the named problems."""
    registry, key = toy_registry(), ("toy", "line")
    family = registry.families[key]
    grid = tuple(
        {k: type(family.parameters[k])(v) for k, v in parse_name(name)[1].items()} for name in names
    )
    changed = dataclasses.replace(family, tiers={**family.tiers, "standard": grid})
    # A copy: every test of this process shares the registry.
    return dataclasses.replace(registry, families={**registry.families, key: changed})


def test_three_values_make_a_curve_and_instances_are_pooled():
    board = _board()
    (growth,) = growths(board)
    assert (growth.family, growth.parameter) == ("line", "x0")
    assert list(growth.problems) == [1.0, 10.0, 100.0]
    assert growth.problems[1.0] == [_line(1.0), _line(1.0, 1)]


def test_points_are_geometric_means():
    board = _board()
    (growth,) = growths(board)
    seconds = lines(board, growth, "seconds")["halve"]
    assert seconds == [
        (1.0, pytest.approx(0.02)),
        (10.0, pytest.approx(0.1)),
        (100.0, pytest.approx(0.2)),
    ]
    gaps = dict(lines(board, growth, "gap")["halve"])
    assert gaps == pytest.approx({1.0: 0.5, 10.0: 0.05, 100.0: 0.008})


def test_failed_and_unsupported_runs_have_no_point():
    lost = record("noisy", _line(10.0), [], status=Status.UNSUPPORTED)
    crashed = record("noisy", _line(1.0), [], status=Status.CRASHED)
    board = _board(lost, crashed)
    (growth,) = growths(board)
    assert "noisy" not in lines(board, growth, "gap")
    assert all(
        not math.isclose(x, 10.0) for x, _ in lines(board, growth, "seconds").get("noisy", [])
    )


def test_two_values_are_no_curve():
    runs = [record("halve", _line(x0), [(0.1, 0.5)]) for x0 in (1.0, 2.0)]
    assert growths(board_of(_with_tier({_line(1.0), _line(2.0)}), runs)) == []


def test_figures_come_with_their_data():
    names = [name for name, _ in figures(_board())]
    for of in ("seconds", "gap"):
        assert f"growth-line-x0-{of}.csv" in names
        assert f"growth-line-x0-{of}.svg" in names
