"""A user's problem is one file, by the builder or by a model of its own, as documented."""

import re
from pathlib import Path

import numpy as np
import pytest

from tests.suites.constrained.agreement import assert_differentiated, assert_same
from tiltyard.registry import registry

DOCS = Path(__file__).parents[3] / "docs" / "constrained.md"


def examples():
    """Return the files that the documentation shows, by name."""
    found = re.findall(
        r"^`(\w+\.py)`.*?\n```python\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    return dict(found)


@pytest.fixture
def build(tmp_path, monkeypatch):
    for name, text in examples().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setenv("TILTYARD_PLUGINS", str(tmp_path))
    return lambda name: registry().build("constrained", name).on("cpu")


def test_both_files_are_found_and_build_by_name(build):
    assert build("spring-chain[n=20]").facts["track"] == "equality"
    assert build("spring-chain-by-hand[n=20]").facts["n"] == 20
    tiers = registry().family("constrained", "spring-chain").tiers
    assert [dict(one) for one in tiers["smoke"]] == [{"n": 20}]


def test_the_hand_written_model_is_the_builders(build):
    built, written = build("spring-chain[n=20]").model, build("spring-chain-by-hand[n=20]").model
    assert_same(built, written)
    assert_differentiated(written)


def test_newton_on_the_first_order_conditions_solves_it(build):
    from scipy.sparse import block_array
    from scipy.sparse.linalg import spsolve

    problem = build("spring-chain[n=200]")
    x, y = problem.x0.copy(), problem.y0.copy()
    for _ in range(20):
        J = problem.jacobian_sparse(x)
        system = block_array([[problem.hessian_sparse(x, y), J.T], [J, None]]).tocsc()
        rest = np.concatenate([problem.gradient(x) + J.T @ y, problem.constraints(x)])
        step = spsolve(system, -rest)
        x, y = x + step[: problem.n], y + step[problem.n :]
    assert np.abs(rest).max() < 1e-9
    assert problem.ledger.oracles["H"] == 20


def test_the_documentation_shows_both_ways():
    assert set(examples()) == {"spring_chain.py", "spring_chain_by_hand.py"}
