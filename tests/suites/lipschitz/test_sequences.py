"""Sequence networks: what was trained is what the problem holds."""

import numpy as np
import pytest
import torch

from tiltyard.datasets import _train_sequences as training
from tiltyard.errors import TiltyardError
from tiltyard.registry import registry


def _weights(data, name, seed=0):
    return {
        key.removeprefix(f"{name}/"): torch.as_tensor(array[seed].astype(np.float64))
        for key, array in data.items()
        if key.startswith(f"{name}/") and not key.endswith("accuracy")
    }


@pytest.fixture(scope="module")
def data():
    return registry().datasets["sequence-networks"].load()


def _build(name):
    return registry().build("lipschitz", name)


def test_transformer_is_the_trained_one(data):
    problem = _build("digits-transformer[network=adamw-cap,seed=3]")
    images = torch.tensor(data["points"] / 16.0).reshape(-1, 8, 8)
    wanted = training.transformer(_weights(data, "transformer-adamw-cap", 3), images)
    found = problem.network.apply(images.flatten(1)).reshape(-1, 8, 10).mean(dim=1)
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("name", ["input-convex", "plain"])
def test_unrolled_network_is_the_recurrent_one(data, name):
    problem = _build(f"digits-recurrent[network={name},seed=1]")
    weights = _weights(data, f"recurrent-{name}", 1)
    images = torch.tensor(problem.points)
    wanted = training.recurrent(weights, images.reshape(-1, 4, 4))
    torch.testing.assert_close(problem.network.apply(images), wanted)


def test_capped_and_convex_weights_keep_to_their_norms(data):
    for seed in range(5):
        weights = _weights(data, "transformer-muon-cap", seed)
        for name, weight in weights.items():
            if name != "positions":
                norm = torch.linalg.matrix_norm(weight, 2)
                assert norm <= training.CAP * (len(weight) / weight.shape[1]) ** 0.5 * (1 + 1e-5)
        convex = _weights(data, "recurrent-input-convex", seed)
        for name in ("input", "state", "output"):
            assert (convex[name] >= 0).all()
            assert torch.linalg.matrix_norm(convex[name], 2) <= 1 + 1e-5


def test_convex_network_is_convex_in_its_input():
    network = _build("digits-recurrent[network=input-convex]").network
    rng = np.random.default_rng(0)
    a, b = (torch.as_tensor(rng.random((200, 16))) for _ in range(2))
    middle = network.apply((a + b) / 2)
    assert (middle <= (network.apply(a) + network.apply(b)) / 2 + 1e-12).all()


def test_accuracies_are_those_of_the_stored_weights(data):
    x, y, test = training.rows(8)
    weights = {k: v.float() for k, v in _weights(data, "transformer-muon-decay", 2).items()}
    right = training.transformer(weights, x[test]).argmax(dim=1) == y[test]
    assert float(right.double().mean()) == pytest.approx(data["transformer-muon-decay/accuracy"][2])


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        (
            "digits-transformer[network=muon-kap]",
            "unknown network 'muon-kap'; did you mean muon-cap",
        ),
        ("digits-transformer[seed=5]", "training seeds 0 to 4, not 5"),
        ("digits-transformer[radius=0.0]", "radius must be positive"),
        ("digits-recurrent[network=convex]", "unknown network 'convex'"),
    ],
)
def test_bad_parameters_are_told(name, wrong):
    with pytest.raises(TiltyardError, match=wrong):
        _build(name)
