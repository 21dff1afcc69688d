"""The semidefinite bound of the l1 norm on a zonotope."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tiltyard.implementations.lipschitz._zonotope import sign_bound

GROTHENDIECK = 1.7823


@given(seed=st.integers(0, 10**6), generators=st.integers(1, 6), entries=st.integers(1, 8))
@settings(max_examples=40)
def test_the_bound_is_between_the_maximum_and_grothendiecks_multiple(seed, generators, entries):
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((2, generators, entries)) * rng.choice([0.0, 1.0, 100.0], entries)
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=generators)))
    exact = np.abs(signs @ z).sum(axis=2).max(axis=1)
    start = torch.tensor(rng.standard_normal((generators, 8)))
    found = sign_bound(torch.tensor(z), start, 300).numpy()
    assert (found >= exact * (1.0 - 1e-12)).all()
    assert (found <= GROTHENDIECK * exact * 1.001 + 1e-30).all()


def test_any_start_and_no_rounds_give_a_bound():
    rng = np.random.default_rng(0)
    z = torch.tensor(rng.standard_normal((1, 4, 5)))
    signs = np.array(list(itertools.product([-1.0, 1.0], repeat=4)))
    exact = np.abs(signs @ z[0].numpy()).sum(axis=1).max()
    for rounds in (0, 1, 5):
        assert float(sign_bound(z, torch.ones(4, 1).double(), rounds)) >= exact


def test_one_generator_is_exact():
    z = torch.tensor([[[1.0, -2.0, 3.0]]]).double()
    assert float(sign_bound(z, torch.ones(1, 3).double(), 20)) == pytest.approx(6.0)
