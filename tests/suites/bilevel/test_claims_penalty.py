"""How the claims about penalty and value-function methods read their records."""

from types import SimpleNamespace

import pytest

from tiltyard.suites.bilevel import claims_penalty as claims

CONTESTS = (claims.LV_HBA, claims.BLOCC, claims.BOME, claims.PBGD)


def record(metric, value):
    """Return a run's record, from a start at 0.5; None is failure."""
    start = SimpleNamespace(metrics={metric: 0.5})
    metrics = {} if value is None else {metric: value}
    status = SimpleNamespace(failed=value is None)
    return SimpleNamespace(status=status, metrics=metrics, checkpoints=(start,))


def finding(claim, value, metric="gap"):
    """Return the finding where each request's run ends at ``value(request)``."""
    return claim.measure([record(metric, value(request)) for request in claim.plan()])


@pytest.mark.parametrize("claim", CONTESTS, ids=lambda claim: claim.name)
def test_a_method_that_ends_lower_is_reproduced_and_the_same_is_not(claim):
    ours = claim.plan()[0].implementation
    told = finding(claim, lambda request: 1e-4 if request.implementation == ours else 1e-2)
    assert told.verdict == "reproduced"
    assert (told.effect, told.low, told.high) == pytest.approx((2.0, 2.0, 2.0))
    same = finding(claim, lambda _: 1e-2)
    assert (same.verdict, same.effect) == ("not reproduced", 0.0)


def test_the_rival_is_the_best_one():
    gaps = {"blocc": 1e-3, "lv_hba": 1e-4, "gam": 1e-1}
    told = finding(claims.BLOCC, lambda request: gaps[request.implementation])
    assert told.effect == pytest.approx(-1.0)


def test_gaps_below_the_target_count_as_the_target():
    gaps = {"bome": 1e-12, "aid_cg": 1e-8}
    assert finding(claims.BOME, lambda request: gaps[request.implementation]).effect == 0.0


def test_a_method_that_fails_is_not_reproduced():
    told = finding(claims.BOME, lambda r: None if r.implementation == "bome" else 1e-2)
    assert told.verdict == "not reproduced"


def test_a_method_that_ends_above_its_start_does_not_win_by_failures_of_others():
    told = finding(claims.BOME, lambda r: 5.0 if r.implementation == "bome" else None)
    assert told.verdict == "not reproduced"
    assert told.effect == pytest.approx(-1.0)


@pytest.mark.parametrize(
    ("power", "verdict"), [(1.0, "reproduced"), (0.5, "not reproduced"), (2.0, "not reproduced")]
)
def test_the_slope_of_the_bias_is_the_power_of_sigma(power, verdict):
    told = finding(claims.PENALTY_BIAS, lambda r: float(r.parameters["sigma"]) ** power, "distance")
    assert told.verdict == verdict
    assert told.effect == pytest.approx(power)


def test_a_failed_run_shows_no_slope():
    def distance(request):
        failed = request.problem.endswith("instance=0]") and request.parameters["sigma"] == 0.01
        return None if failed else float(request.parameters["sigma"])

    told = finding(claims.PENALTY_BIAS, distance, "distance")
    assert told.verdict == "inconclusive"
    assert told.rows[0]["slope"] == 0.0
    assert told.rows[1]["slope"] == pytest.approx(1.0)


@pytest.mark.parametrize("claim", [*CONTESTS, claims.PENALTY_BIAS], ids=lambda claim: claim.name)
def test_budgets_do_not_depend_on_the_clock(claim):
    assert all(request.budget.seconds is None for request in claim.plan())
