"""Networks survive being stored; what is not a network is refused in one line."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tiltyard.errors import TiltyardError, Unsupported
from tiltyard.suites.lipschitz.attention import Attention
from tiltyard.suites.lipschitz.layers import (
    KINDS,
    Activation,
    Conv2d,
    Dense,
    GroupSort,
    Householder,
    Residual,
)
from tiltyard.suites.lipschitz.network import Network
from tiltyard.suites.lipschitz.storage import pack, read_npz, unpack


def dense(rng, inputs, outputs):
    return Dense(rng.standard_normal((outputs, inputs)), rng.standard_normal(outputs))


def layer(rng, name):
    """Return a layer from R^8 to R^8."""
    match name:
        case "dense":
            return dense(rng, 8, 8)
        case "conv":
            return Conv2d(
                rng.standard_normal((2, 2, 3, 3)), rng.standard_normal(2), (2, 2, 2), 1, 1
            )
        case "groupsort":
            return GroupSort(4)
        case "householder":
            angle = rng.uniform(0, 6, 4)
            return Householder(np.stack((np.cos(angle), np.sin(angle)), axis=1))
        case "residual":
            return Residual((dense(rng, 8, 3), Activation("tanh"), dense(rng, 3, 8)), 0.5, 2.0)
    return Activation(name, 0.2)


NAMES = ("dense", "conv", "groupsort", "householder", "residual", *KINDS)


@given(names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=12), seed=st.integers(0, 99))
def test_packing_and_unpacking_changes_no_value(names, seed):
    rng = np.random.default_rng(seed)
    network = Network(8, tuple(layer(rng, name) for name in names))
    again = unpack(pack(network))
    x = torch.as_tensor(rng.standard_normal((5, 8)))
    torch.testing.assert_close(again.apply(x), network.apply(x), rtol=1e-12, atol=1e-12)
    assert (again.architecture, again.activation) == (network.architecture, network.activation)


def test_a_file_is_read_back(tmp_path):
    network = Network(2, (Dense(np.eye(2), np.ones(2)), Activation("relu")))
    np.savez(tmp_path / "net.npz", **pack(network))
    again = read_npz(tmp_path / "net.npz")
    assert again.layers[0].bias.tolist() == [1.0, 1.0]


def test_attention_has_no_arrays():
    ones = np.ones((1, 1, 1))
    network = Network(2, (Attention(ones, ones, ones, ones, tokens=2, scale=1.0),))
    with pytest.raises(Unsupported, match="Attention"):
        pack(network)


GOOD = {
    "inputs": np.array(2),
    "0.dense.weight": np.eye(2),
    "0.dense.bias": np.zeros(2),
    "1.relu.slope": np.array(0.0),
}


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"1.relu.slope": None, "1.swish.slope": np.array(0.0)}, Unsupported, "swish"),
        ({"0.dense.weight": np.array([[1, np.nan], [0, 1]])}, TiltyardError, "NaN"),
        ({"0.dense.bias": None}, TiltyardError, r"no array 0\.dense\.bias"),
        ({"0.dense.bias": np.zeros(3)}, TiltyardError, "do not fit"),
        ({"0.dense.bias": np.array(["a", "b"])}, TiltyardError, "not real numbers"),
        ({"inputs": None}, TiltyardError, "'inputs'"),
        ({"inputs": np.array(3)}, TiltyardError, "dense layer of 2 inputs follows 3"),
        ({"inputs": np.array(2.5)}, TiltyardError, "whole number"),
        ({"weights": np.eye(2)}, TiltyardError, "is not named"),
        ({"0.conv2d.bias": np.zeros(2)}, TiltyardError, "both dense and conv2d"),
        ({"1.relu.slope": np.zeros(2)}, TiltyardError, "one number"),
        ({"2.groupsort.group": np.array(4)}, TiltyardError, "groups of 4"),
        ({"2.groupsort.group": np.array(0)}, TiltyardError, "groups of 0"),
        ({"2.householder.vectors": np.zeros((1, 2))}, TiltyardError, "zero rows"),
    ],
)
def test_what_is_no_network_is_refused(changes, kind, message):
    arrays = {key: array for key, array in (GOOD | changes).items() if array is not None}
    with pytest.raises(kind, match=message) as caught:
        unpack(arrays)
    assert "\n" not in str(caught.value)


def test_bad_files_are_refused(tmp_path):
    path = tmp_path / "net.npz"
    with pytest.raises(TiltyardError, match="cannot be read"):
        read_npz(path)
    np.savez(path, **GOOD)
    whole = path.read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 5):
        path.write_bytes(whole[:size])
        with pytest.raises(TiltyardError, match=r"no whole \.npz file"):
            read_npz(path)
    np.save(tmp_path / "one.npy", np.zeros(2))
    (tmp_path / "one.npy").rename(path)
    with pytest.raises(TiltyardError, match=r"no whole \.npz file"):
        read_npz(path)


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_objects_in_a_file_are_not_unpickled(tmp_path):
    path, sprung = tmp_path / "net.npz", tmp_path / "sprung"
    np.savez(path, inputs=np.array([Trap(sprung)], dtype=object))
    with pytest.raises(TiltyardError, match="no whole"):
        read_npz(path)
    assert not sprung.exists()
