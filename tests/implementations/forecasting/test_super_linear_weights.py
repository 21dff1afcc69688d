"""Checkpoints come back as they were written; what is none is refused in one line."""

import hashlib
import json
import pickle

import numpy as np
import pytest
import torch

from tests.implementations.forecasting.super_linear_models import random_weights
from tiltyard.errors import TiltyardError
from tiltyard.implementations.forecasting._super_linear_shape import PERIODS
from tiltyard.implementations.forecasting._super_linear_weights import Weights, load, named, save


@pytest.fixture
def weights():
    return random_weights()


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_round_trip(tmp_path, weights, dtype):
    path = tmp_path / "own.npz"
    sha256 = save(path, weights, dtype=dtype)
    found = load(path, sha256=sha256)
    assert found.names == weights.names
    for name in ("expert_weight", "expert_bias", "gate_weight", "gate_bias"):
        array = getattr(found, name)
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, getattr(weights, name).astype(dtype))


def test_same_weights_same_bytes(tmp_path, weights):
    hashes = {save(tmp_path / f"{i}.npz", random_weights()) for i in range(2)}
    assert len(hashes) == 1
    assert hashes == {hashlib.sha256((tmp_path / "1.npz").read_bytes()).hexdigest()}
    assert save(tmp_path / "other.npz", random_weights(seed=1)) not in hashes


def test_quantiles_of_hold_out_errors_are_kept(tmp_path, weights):
    profile = np.linspace(-1, 1, 9)[:, None] * np.ones(96)
    arrays = {name: getattr(weights, name) for name in vars(weights)}
    save(
        tmp_path / "own.npz",
        Weights(**{**arrays, "residual_quantiles": profile}),
        dtype=np.float32,
    )
    found = load(tmp_path / "own.npz")
    np.testing.assert_allclose(found.residual_quantiles, profile, rtol=1e-6)


def refusal(path, **options):
    with pytest.raises(TiltyardError) as caught:
        load(path, **options)
    text = str(caught.value)
    assert text.startswith(f"weights {path}: ")
    assert "\n" not in text
    return text


def test_missing_file(tmp_path):
    assert "no such file" in refusal(tmp_path / "nowhere.npz")


def test_altered_file(tmp_path, weights):
    sha256 = save(tmp_path / "own.npz", weights)
    with (tmp_path / "own.npz").open("r+b") as file:
        file.seek(5000)
        file.write(b"other")
    assert f"not {sha256[:12]}" in refusal(tmp_path / "own.npz", sha256=sha256)
    assert "is no .npz file that can be read" in refusal(tmp_path / "own.npz")


@pytest.mark.parametrize("content", [b"", b"weights", b"PK\x03\x04 cut short"])
@pytest.mark.parametrize("name", ["a.npz", "a.bin", "a.pt", "a.safetensors"])
def test_file_that_is_something_else(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert "that can be read" in refusal(tmp_path / name)


def test_pickled_objects_are_never_loaded(tmp_path):
    (tmp_path / "a.bin").write_bytes(pickle.dumps({"gating_network.bias": print}))
    assert "is no state dict" in refusal(tmp_path / "a.bin")
    np.savez(tmp_path / "a.npz", periods=np.array([print], object))
    assert "is no .npz file" in refusal(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gate_bias": None}, "lacks gate_bias"),
        ({"scaler": np.ones(3)}, "holds scaler"),
        ({"gate_weight": np.ones((8, 2501))}, "gate_weight has shape (8, 2501), not (8, 2500)"),
        ({"expert_bias": np.ones((7, 96))}, "expert_bias has shape (7, 96), not (6, 96)"),
        ({"expert_weight": np.ones((6, 512, 96))}, "expert_weight has shape (6, 512, 96)"),
        ({"periods": np.arange(1, 8)}, "periods has shape (7,), not (6,)"),
        ({"gate_bias": np.full(8, np.nan)}, "gate_bias holds NaN"),
        ({"gate_bias": np.array(["x"] * 8)}, "gate_bias has dtype <U1"),
        ({"residual_quantiles": np.ones((3, 96))}, "residual_quantiles has shape (3, 96)"),
    ],
)
def test_arrays_that_make_no_model(tmp_path, weights, change, message):
    arrays = {name: getattr(weights, name) for name in vars(weights)} | change
    np.savez(tmp_path / "own.npz", **{k: v for k, v in arrays.items() if v is not None})
    assert message in refusal(tmp_path / "own.npz")


@pytest.fixture(scope="module")
def released():
    """Return a state dict with the released model's names and shapes."""
    torch.manual_seed(0)
    state = {
        "backbone.moe.gating_network.weight": torch.randn(51, 2500),
        "backbone.moe.gating_network.bias": torch.randn(51),
    }
    for i in range(2, 51):
        state[f"backbone.moe.experts.{i}.Linear.weight"] = torch.randn(96, 512)
        state[f"backbone.moe.experts.{i}.Linear.bias"] = torch.randn(96)
    return state


def safetensors(state):
    header, content = {"__metadata__": {"format": "pt"}}, b""
    for name, tensor in state.items():
        numbers = tensor.numpy().tobytes()
        offsets = [len(content), len(content) + len(numbers)]
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": offsets}
        content += numbers
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors"])
def test_released_weights(tmp_path, released, name):
    path = tmp_path / name
    if name.endswith(".bin"):
        torch.save(released, path)
    else:
        path.write_bytes(safetensors(released))
    found = load(path)
    assert found.parameters == 2_540_703
    assert tuple(found.periods) == PERIODS
    # The released model's expert 2 is that of period 4, its last one is the twelfth complementary.
    for ours, theirs in ((0, 2), (36, 38), (37, 39), (48, 50)):
        expected = released[f"backbone.moe.experts.{theirs}.Linear.weight"]
        np.testing.assert_array_equal(found.expert_weight[ours], expected)
        expected = released[f"backbone.moe.experts.{theirs}.Linear.bias"]
        np.testing.assert_array_equal(found.expert_bias[ours], expected)
    np.testing.assert_array_equal(found.gate_weight, released["backbone.moe.gating_network.weight"])
    assert found.names[2] == "period 4"
    assert found.names[38] == "period 3600"
    assert found.names[39] == "complementary 0"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gating_network.bias": None}, "lacks backbone.moe.gating_network.bias"),
        ({"experts.9.Linear.weight": None}, "lacks backbone.moe.experts.9.Linear.weight"),
        ({"experts.51.Linear.bias": torch.ones(96)}, "has backbone.moe.experts.51.Linear.bias"),
        ({"gating_network.bias": torch.ones(50)}, "has shape (50,), not (51,)"),
    ],
)
def test_state_dict_of_another_model(tmp_path, released, change, message):
    state = released | {f"backbone.moe.{name}": value for name, value in change.items()}
    torch.save({k: v for k, v in state.items() if v is not None}, tmp_path / "a.pt")
    assert message in refusal(tmp_path / "a.pt")


def test_names_of_weights(tmp_path):
    assert named("shipped")[0].name == "super_linear.npz"
    assert named(str(tmp_path / "own.npz")) == (tmp_path / "own.npz", "")
    assert not named("~/own.npz")[0].is_relative_to("~")
