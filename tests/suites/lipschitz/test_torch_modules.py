"""Torch modules are read faithfully, files of them without running anything in them."""

import io
import pickle
import zipfile

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import orthogonal

from tiltyard.errors import TiltyardError, Unsupported
from tiltyard.suites.lipschitz.torch_modules import from_torch, read_pt


def mlp(activation):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(4, 6), activation, nn.Sequential(nn.Linear(6, 5, bias=False), activation),
        nn.Dropout(0.5), nn.Linear(5, 3),
    ).eval()  # fmt: skip


def same(network, module, *shape):
    x = torch.randn(7, *shape, dtype=torch.float64)
    with torch.no_grad():
        wanted = module.double()(x)
    torch.testing.assert_close(network.apply(x.flatten(1)), wanted.flatten(1))


@pytest.mark.parametrize(
    ("activation", "name"),
    [
        (nn.ReLU(), "relu"),
        (nn.LeakyReLU(0.3), "leaky_relu"),
        (nn.Tanh(), "tanh"),
        (nn.Sigmoid(), "sigmoid"),
        (nn.Softplus(), "softplus"),
        (nn.GELU(), "gelu"),
        (nn.Identity(), "none"),
    ],
)
def test_a_sequential_keeps_its_values(activation, name, tmp_path):
    module = mlp(activation)
    network = from_torch(module)
    assert network.activation == name
    torch.save(module, tmp_path / "net.pt")
    again = read_pt(tmp_path / "net.pt")
    same(network, module, 4)
    same(again, module, 4)


def test_a_convolution_keeps_its_values(tmp_path):
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(2, 3, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(3, 4, 2), nn.Tanh(),
        nn.Flatten(), nn.Linear(16, 5),
    )  # fmt: skip
    torch.save(module, tmp_path / "net.pt")
    network = read_pt(tmp_path / "net.pt", shape=(2, 6, 6))
    same(network, module, 2, 6, 6)
    with pytest.raises(TiltyardError, match="state the shape"):
        from_torch(module)
    with pytest.raises(TiltyardError, match="do not fit"):
        from_torch(module, (1, 6, 6))
    with pytest.raises(TiltyardError, match="dense layer of 16 inputs"):
        from_torch(module, (2, 8, 8))


def test_parametrized_layers_are_read_as_they_act():
    module = nn.Sequential(orthogonal(nn.Linear(4, 4)), nn.ReLU(), nn.Linear(4, 2))
    same(from_torch(module), module, 4)


def test_a_state_dict_takes_the_activation_that_is_named(tmp_path):
    module = mlp(nn.Tanh())
    torch.save(module.state_dict(), tmp_path / "net.pt")
    same(read_pt(tmp_path / "net.pt", activation="tanh"), module, 4)
    assert read_pt(tmp_path / "net.pt").activation == "relu"
    with pytest.raises(Unsupported, match="activation swish"):
        read_pt(tmp_path / "net.pt", activation="swish")


class Mine(nn.Module):
    """A user's own module."""


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.SiLU(), "layer SiLU"),
        (nn.MaxPool2d(2), "layer MaxPool2d"),
        (nn.BatchNorm1d(4), "layer BatchNorm1d"),
        (nn.GELU(approximate="tanh"), "GELU with approximate=tanh"),
        (nn.Softplus(beta=2), "Softplus with beta=2"),
        (nn.Flatten(0), "Flatten with start_dim=0"),
        (Mine(), "Mine"),
    ],
)
def test_unsupported_layers_are_named(module, message):
    with pytest.raises(Unsupported, match=message):
        from_torch(nn.Sequential(nn.Linear(4, 4), module))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": 2}, "groups=2"),
        ({"dilation": 2}, "dilation"),
        ({"padding": "same"}, "padding=same"),
        ({"stride": (1, 2)}, "stride"),
        ({"padding_mode": "reflect", "padding": 1}, "padding_mode=reflect"),
    ],
)
def test_unsupported_convolutions_are_named(options, message):
    with pytest.raises(Unsupported, match=message):
        from_torch(nn.Sequential(nn.Conv2d(2, 2, 3, **options)), (2, 6, 6))


def test_bad_modules_are_refused():
    module = mlp(nn.ReLU())
    with torch.no_grad():
        module[0].weight[0, 0] = np.nan
    with pytest.raises(TiltyardError, match="NaN"):
        from_torch(module)
    with pytest.raises(TiltyardError, match="dense layer of 3 inputs follows 4"):
        from_torch(nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(3, 1)))
    with pytest.raises(TiltyardError, match="how many inputs"):
        from_torch(nn.Sequential(nn.ReLU()))


@pytest.mark.parametrize(
    ("saved", "message"),
    [
        (torch.zeros(2), "holds a Tensor"),
        ({}, "state dict is empty"),
        ({"epoch": 3}, "entry epoch of the state dict is no tensor"),
        ({"0.weight": torch.zeros(2, 3, 3, 3)}, r"0\.weight"),
        ({"0.running_mean": torch.zeros(2)}, r"0\.running_mean"),
        ({"0.weight": torch.zeros(2, 2), "1.weight": torch.zeros(2, 3)}, "dense layer of 3"),
        ({"0.weight": torch.full((2, 2), torch.inf)}, "NaN or infinity"),
    ],
)
def test_other_contents_are_refused(saved, message, tmp_path):
    torch.save(saved, tmp_path / "net.pt")
    with pytest.raises(TiltyardError, match=message) as caught:
        read_pt(tmp_path / "net.pt")
    assert "\n" not in str(caught.value)


def test_corrupt_files_are_refused(tmp_path):
    path = tmp_path / "net.pt"
    with pytest.raises(TiltyardError, match="is not a file"):
        read_pt(path)
    torch.save(mlp(nn.ReLU()), path)
    whole = path.read_bytes()
    for data in (b"", b"\x00" * 40, b"not a file", whole[:20], whole[: len(whole) // 2]):
        path.write_bytes(data)
        with pytest.raises(TiltyardError, match=r"net\.pt") as caught:
            read_pt(path)
        assert "\n" not in str(caught.value)


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def _zipped(path, data):
    """Write a file as torch.save lays it out, with a pickle of our own."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("net/data.pkl", data)
        file.writestr("net/version", "3\n")
        file.writestr("net/byteorder", "little")


@pytest.mark.parametrize("write", ["zip", "legacy", "plain", "inside"])
def test_nothing_in_a_file_is_executed(write, tmp_path):
    path, sprung = tmp_path / "net.pt", tmp_path / "sprung"
    trap = Trap(sprung)
    if write == "zip":
        _zipped(path, pickle.dumps(trap, protocol=2))
    elif write == "legacy":
        torch.save(trap, path, _use_new_zipfile_serialization=False)
    elif write == "plain":
        path.write_bytes(pickle.dumps(trap))
    else:
        module = mlp(nn.ReLU())
        module[0].note = trap
        torch.save(module, path)
    with pytest.raises(TiltyardError, match=r"is refused|no whole"):
        read_pt(path)
    assert not sprung.exists()
    pickle.load(io.BytesIO(pickle.dumps(trap))).close()  # noqa: S301 - the trap works
    assert sprung.exists()


def test_only_the_named_classes_of_torch_are_allowed(tmp_path):
    torch.save(nn.Sequential(nn.Linear(2, 2), nn.SiLU()), tmp_path / "net.pt")
    with pytest.raises(Unsupported, match="layer SiLU is none of"):
        read_pt(tmp_path / "net.pt")


def test_a_function_of_torch_is_not_allowed_either(tmp_path):
    torch.save({"0.weight": torch.hub.load}, tmp_path / "net.pt")
    with pytest.raises(TiltyardError, match=r"asks for torch\.hub\.load, which is not allowed"):
        read_pt(tmp_path / "net.pt")
