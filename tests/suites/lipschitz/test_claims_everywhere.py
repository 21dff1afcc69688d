"""How the claims on bounds over all inputs read their records."""

from types import SimpleNamespace

import pytest

from tiltyard.suites.lipschitz import claims_everywhere as claims


def records(claim, ratio, seconds=lambda _: 1.0):
    """Return records in the order of the requests, with what the functions say of each."""
    return [
        SimpleNamespace(
            status=SimpleNamespace(failed=False),
            metrics={"lower_ratio": ratio(request)},
            seconds=seconds(request),
        )
        for request in claim.plan()
    ]


def test_tighter_sorting_bounds_are_reproduced():
    finding = claims.NSR.measure(
        records(claims.NSR, lambda r: 1.0 if r.implementation == "lipsdp_nsr" else 2.0**0.5)
    )
    assert finding.verdict == "reproduced"
    assert finding.effect == pytest.approx(2.0**0.5)
    assert [row["problem"] for row in finding.rows] == list(claims.SORTING)
    assert finding.rows[0]["ratio"] == "1.41 [1.41, 1.41]"


def test_equal_sorting_bounds_are_not():
    assert claims.NSR.measure(records(claims.NSR, lambda _: 1.0)).verdict == "not reproduced"


def test_parts_cover_the_plan():
    parts = claims._parts(claims.SMALL)
    names = [request.problem for request in claims.ECLIPSE_TIME.plan()[::4]]
    for pattern, part in parts.items():
        assert names[part]
        assert all(name.startswith(pattern[:-1]) for name in names[part])
    assert part.stop == len(names)


def by_method(**values):
    return lambda request: values[request.implementation]


def test_time_is_compared_with_both_solvers():
    seconds = by_method(eclipse=0.1, eclipse_fast=0.01, lipsdp_neuron=5.0, lipsdp_barrier=0.2)
    finding = claims.ECLIPSE_TIME.measure(records(claims.ECLIPSE_TIME, lambda _: 1.0, seconds))
    assert finding.verdict == "reproduced"
    assert finding.effect == pytest.approx(50.0)
    assert "Of ECLipsE-Fast: 500 [500, 500]" in finding.note
    assert "for the same program: 2 [2, 2] and 20 [20, 20]" in finding.note


def test_a_tie_in_time_is_no_gain():
    found = records(claims.ECLIPSE_TIME, lambda _: 1.0, lambda _: 1.0)
    assert claims.ECLIPSE_TIME.measure(found).verdict == "not reproduced"


@pytest.mark.parametrize(("looser", "verdict"), [(1.02, "reproduced"), (1.5, "not reproduced")])
def test_closeness_is_of_the_bounds(looser, verdict):
    bounds = by_method(eclipse=looser, eclipse_fast=2.0, lipsdp_barrier=1.0)
    finding = claims.ECLIPSE_BOUND.measure(records(claims.ECLIPSE_BOUND, bounds))
    assert finding.verdict == verdict
    assert finding.effect == pytest.approx(looser)
    assert finding.rows[0]["eclipse_fast / lipsdp_barrier"] == pytest.approx(2.0)


def test_bounds_close_on_trained_networks_alone_are_told_apart():
    def bound(request):
        far = request.implementation == "eclipse" and request.problem.startswith("random")
        return 1.5 if far else 1.0

    finding = claims.ECLIPSE_BOUND.measure(records(claims.ECLIPSE_BOUND, bound))
    assert "Trained networks 1 [1, 1], random ones 1.5 [1.5, 1.5]" in finding.note
    assert finding.low < finding.effect < finding.high
