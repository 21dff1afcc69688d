"""How the claims read their grids of records."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from tiltyard.suites.cvar import claims

SEEDS = len(claims.TUNING_SEEDS) + len(claims.REPORTING_SEEDS)


def records(problems, good):
    """Return records in the order of the requests: 0.005 where ``good`` says so, else failed."""
    made = []
    for problem in range(problems):
        for method in claims.METHODS:
            for index in range(len(claims.STEPS)):
                reached = good(problem, method, index)
                status = SimpleNamespace(failed=not reached)
                record = SimpleNamespace(status=status, metrics={"gap": 0.005})
                made += [record] * SEEDS
    return made


@pytest.mark.parametrize(
    ("good", "decades"),
    [("", 0.0), ("x", 0.5), ("xx.xxx", 1.5), (".x.x.", 0.5)],
)
def test_width_is_that_of_the_longest_run(good, decades):
    assert claims.width(np.array([letter == "x" for letter in good])[None, :])[0] == decades


def test_plans_come_in_the_order_that_the_grids_are_read_in():
    plan = claims.STEP_RANGE.plan()
    assert len(plan) == len(claims.UNIT) * len(claims.METHODS) * len(claims.STEPS)
    assert [request.implementation for request in plan[:26]] == ["sgm"] * 25 + ["spl"]
    assert all(len(request.seeds) == SEEDS for request in plan)
    assert not set(claims.TUNING_SEEDS) & set(claims.REPORTING_SEEDS)


def test_wider_range_is_reproduced():
    widths = {"sgm": 4, "spl": 6, "sgm_scaled": 6, "spl_plus": 8}
    finding = claims.STEP_RANGE.measure(
        records(len(claims.UNIT), lambda _, method, index: 5 <= index < 5 + widths[method])
    )
    assert finding.verdict == "reproduced"
    assert (finding.effect, finding.low, finding.high) == (2.0, 2.0, 2.0)
    assert "against the control at 0.1: +1.00 [+1.00, +1.00]" in finding.note
    row = finding.rows[0]
    assert (row["implementation"], row["decades under 0.1"], row["its gap"]) == ("sgm", 2.0, 0.005)
    assert row["best step"] == claims.STEPS[5]
    assert row["runs worse than the start"] == 21 * len(claims.REPORTING_SEEDS)


def test_no_difference_is_not_reproduced():
    finding = claims.STEP_RANGE.measure(records(len(claims.UNIT), lambda *_: True))
    assert (finding.verdict, finding.effect) == ("not reproduced", 0.0)


def test_difference_on_few_problems_is_inconclusive():
    def good(problem, method, index):
        return index < (8 if problem == 0 and method == "spl_plus" else 4)

    finding = claims.STEP_RANGE.measure(records(len(claims.UNIT), good))
    assert finding.verdict == "inconclusive"
    assert finding.low == 0.0 < finding.high


def test_scaling_counts_steps_that_do_on_both_twins():
    twins = len(claims.TWINS)

    def good(problem, method, index):
        shift = 4 if problem >= twins and method in ("sgm", "spl") else 0
        return 8 + shift <= index < 14 + shift

    finding = claims.LOSS_SCALING.measure(records(2 * twins, good))
    assert finding.verdict == "reproduced"
    assert finding.effect == 2.0
    by_method = {row["implementation"]: row for row in finding.rows[:4]}
    assert by_method["sgm"]["decades under 0.1 on both"] == 1.0
    assert by_method["sgm"]["shift of the best step"] == 2.0
    assert by_method["spl_plus"]["decades under 0.1 on both"] == 3.0


def test_nothing_reached_is_told():
    finding = claims.LOSS_SCALING.measure(records(2 * len(claims.TWINS), lambda *_: False))
    assert finding.verdict == "not reproduced"
    assert math.isinf(finding.rows[0]["best gap"])
