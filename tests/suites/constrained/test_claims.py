"""How the claims read their records."""

from types import SimpleNamespace

import numpy as np
import pytest

from tiltyard.suites.constrained import claims
from tiltyard.suites.constrained._published import PUBLISHED


def record(kkt=1e-5, iterations=1, evaluations=10, flop=100, seconds=1.0, reason=""):
    oracles = {"H": iterations, "f": evaluations - iterations, "flop": flop}
    status = SimpleNamespace(failed=False, __str__=lambda _: "stopped")
    return SimpleNamespace(
        status=status, reason=reason, metrics={"kkt": kkt}, oracles=oracles, seconds=seconds
    )


def authors(sketch):
    """Return records that end as the authors' runs did."""
    made = []
    for published in PUBLISHED.values():
        run = getattr(published, sketch)
        made.append(
            record(iterations=run[0]) if run else record(kkt=1.0, reason="singular: least is 0")
        )
    return made


def test_the_table_holds_the_47_problems():
    assert len(PUBLISHED) == 47
    for sketch in ("gaussian", "kaczmarz"):
        unsolved = [name for name, run in PUBLISHED.items() if getattr(run, sketch) is None]
        assert unsolved == ["gottfr", "price4ne"]
    assert [name for name, run in PUBLISHED.items() if run.l1 is None] == ["cubene"]


def test_the_authors_runs_are_reproduced():
    finding = claims.PUBLISHED_RUNS.measure([*authors("gaussian"), *authors("kaczmarz")])
    assert (finding.verdict, finding.effect, finding.low) == ("reproduced", 1.0, 1.0)
    assert "adasketch_newton 45, adasketch_newton_kaczmarz 45" in finding.note
    row = next(row for row in finding.rows if row["problem"] == "gottfr")
    assert row["gaussian: status"] == row["gaussian: authors' status"] == "singular"


@pytest.mark.parametrize(
    ("off", "verdict"), [(2, "reproduced"), (3, "inconclusive")], ids=["within", "beyond"]
)
def test_iterations_count_within_the_slack(off, verdict):
    gaussian = authors("gaussian")
    gaussian[0] = record(iterations=PUBLISHED["hs6"].gaussian[0] + off)
    finding = claims.PUBLISHED_RUNS.measure([*gaussian, *authors("kaczmarz")])
    assert finding.verdict == verdict


def test_plan_comes_in_the_order_that_it_is_read_in():
    plan = claims.EVALUATION_COST.plan()
    methods = [request.implementation for request in plan[:: len(PUBLISHED)]]
    assert methods == [
        *claims.SKETCHES, *claims.OURS, "gmres_l1_adaptive_sqp", "gmres_l1_sqp", "gmres_l1_sqp",
    ]  # fmt: skip
    assert plan[-1].parameters == {"tolerance": 1e-4, "released": True}


@pytest.mark.parametrize(
    ("evaluations", "flop", "verdicts"),
    [
        (5, 500, ("reproduced", "not reproduced")),
        (20, 50, ("not reproduced", "reproduced")),
    ],
)
def test_evaluations_and_flops_have_a_verdict_each(evaluations, flop, verdicts):
    count = len(PUBLISHED)
    records = [record(evaluations=evaluations, flop=flop)] * (4 * count) + [record()] * (3 * count)
    counted = claims.EVALUATION_COST.measure(records)
    worked = claims.FLOP_COST.measure(records)
    assert (counted.verdict, worked.verdict) == verdicts
    assert counted.effect == pytest.approx(10 / evaluations)
    assert worked.effect == pytest.approx(101 / (flop + 1))
    assert len(counted.rows) == 12


def test_only_problems_that_both_solve_count():
    count = len(PUBLISHED)
    ours = [record(evaluations=5)] * count
    ours[0] = record(kkt=1.0, evaluations=10_000)
    others = [record()] * (6 * count)
    finding = claims.EVALUATION_COST.measure([*ours, *others])
    assert finding.effect == pytest.approx(2.0)
    assert finding.rows[0]["solved"] == count - 1


def test_ratio_is_a_geometric_mean_with_its_interval():
    value, low, high = claims.ratio(np.ones(2), np.array([1.0, 4.0]))
    assert value == pytest.approx(2.0)
    assert (low, high) == pytest.approx((1.0, 4.0))
