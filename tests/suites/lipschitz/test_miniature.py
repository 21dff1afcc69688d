"""Miniatures: tiny, and of the problem's kind."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.suites.lipschitz.small import chain, problem, various
from tiltyard.suites.lipschitz._miniature import miniature
from tiltyard.suites.lipschitz.layers import GroupSort

KIND = (
    "track",
    "norm",
    "region",
    "radius",
    "clipped",
    "outputs",
    "input_scaling",
    "architecture",
    "activation",
    "depth",
)


@pytest.mark.parametrize("name", various())
def test_a_miniature_is_of_the_same_kind(name):
    task = various()[name]
    small = miniature(task)
    assert {key: small.facts[key] for key in KIND} == {key: task.facts[key] for key in KIND}
    assert small.facts["neurons"] <= 64
    assert small.regions <= 2
    assert len(small.features) == min(2, len(task.features))
    assert (small.tokens > 1) == (task.tokens > 1)
    points = torch.tensor(small.points)
    assert np.isfinite(small.network.apply(points).numpy()).all()


def test_groups_are_cut_to_four():
    small = miniature(problem(chain(8, 64, 3, activation=GroupSort), "l2", "global"))
    assert [one.group for one in small.network.nonlinear()] == [4]
    triples = miniature(problem(chain(8, 6, 3, activation=lambda _: GroupSort(3)), "l2", "ball"))
    assert [one.group for one in triples.network.nonlinear()] == [3]
