"""How the claims on training read their records and accuracies."""

from types import SimpleNamespace

import numpy as np
import pytest

from tiltyard.suites.lipschitz import claims_training as claims


def records(claim, bound, gap=2.0):
    """Return records in the order of the requests, with the bound of each problem."""
    return [
        SimpleNamespace(
            status=SimpleNamespace(failed=False),
            metrics={"lower_ratio": gap, "bound": bound(request.problem)},
            seconds=1.0,
        )
        for request in claim.plan()
    ]


def accurate(monkeypatch, first, second):
    rows = np.array([[first] * 5, [second] * 5])
    monkeypatch.setattr(claims, "accuracies", lambda _: rows)


def test_accuracies_are_those_of_the_file():
    found = claims.accuracies(["transformer-muon-cap", "recurrent-plain"])
    assert found.shape == (2, 5)
    assert ((found > 0.5) & (found < 1.0)).all()


@pytest.mark.parametrize(
    ("muon", "adamw", "lower", "verdict"),
    [
        (0.93, 0.93, 100.0, "reproduced"),
        (0.925, 0.93, 100.0, "reproduced"),
        (0.91, 0.93, 100.0, "inconclusive"),
        (0.95, 0.93, 1.0, "not reproduced"),
    ],
    ids=["equal", "nearly", "less accurate", "no lower"],
)
def test_decay_needs_a_lower_bound_at_equal_accuracy(monkeypatch, muon, adamw, lower, verdict):
    accurate(monkeypatch, muon, adamw)
    claim = claims.MUON_DECAY
    finding = claim.measure(records(claim, lambda name: 1.0 if "muon" in name else lower))
    assert finding.verdict == verdict
    assert finding.effect == pytest.approx(lower)
    assert [row["network"] for row in finding.rows[::5]] == ["muon-decay", "adamw-decay"]
    assert finding.rows[0]["certified / measured"] == 2.0


@pytest.mark.parametrize(
    ("muon", "bound", "verdict"),
    [
        (0.95, 7.0, "reproduced"),
        (0.93, 7.0, "not reproduced"),
        (0.95, 8.0, "not reproduced"),
    ],
    ids=["better", "equal", "larger bound"],
)
def test_cap_needs_accuracy_at_the_same_bound(monkeypatch, muon, bound, verdict):
    accurate(monkeypatch, muon, 0.93)
    claim = claims.MUON_CAP
    finding = claim.measure(records(claim, lambda name: bound if "muon" in name else 7.0))
    assert finding.verdict == verdict
    assert finding.effect == pytest.approx(muon - 0.93)


def test_convex_networks_are_compared_with_plain_ones(monkeypatch):
    accurate(monkeypatch, 0.7, 0.9)
    claim = claims.CONVEX
    finding = claim.measure(records(claim, lambda name: 1.5 if "convex" in name else 150.0))
    assert finding.verdict == "reproduced"
    assert finding.effect == pytest.approx(100.0)
    assert "0.700 against 0.900" in finding.note
    assert "Of measured values the ratio is 100 [100, 100]" in finding.note
    assert finding.rows[-1]["network"] == "plain"
