"""Networks from torch modules and from .pt files, which are read without executing anything."""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import TiltyardError, Unsupported
from tiltyard.suites.lipschitz.layers import KINDS, Activation, Conv2d, Dense, Kind, Layer
from tiltyard.suites.lipschitz.network import Network

if TYPE_CHECKING:
    from torch.nn import Module

Shape = tuple[int, ...]

KNOWN = (
    "Sequential",
    "Linear",
    "Conv2d",
    "ReLU",
    "LeakyReLU",
    "Tanh",
    "Sigmoid",
    "Softplus",
    "GELU",
    "Flatten",
    "Identity",
    "Dropout",
)
"""The classes of torch.nn that are read; a .pt file may name no others."""

_PLAIN: Mapping[str, Kind] = {"ReLU": "relu", "Tanh": "tanh", "Sigmoid": "sigmoid"}
_NOTHING = ("Flatten", "Identity", "Dropout")


def from_torch(module: Module, shape: Shape | None = None) -> Network:
    """Return a ``torch.nn.Sequential`` as a network, in evaluation mode.

    Args:
        module: of the classes ``KNOWN`` alone, nested as deep as you like.
        shape: (channels, height, width) of an input, where the first layer is a convolution; the
            network takes it flat.

    Raises:
        Unsupported: naming a module, or an option of one, that has no equivalent.
        TiltyardError: NaN weights, shapes that do not fit, or no shape for a convolution.
    """
    modules = list(_flat(module))
    if shape is None:
        shape = _first_shape(modules)
    layers: list[Layer] = []
    inputs = math.prod(shape)
    for one in modules:
        for layer in layers_of(one, shape):
            layers.append(layer)
            size = layer.size(math.prod(shape))
            shape = layer.output_shape if isinstance(layer, Conv2d) else _reshaped(shape, size)
    return Network(inputs, tuple(layers))


def layers_of(module: Module, shape: Shape) -> Iterator[Layer]:
    """Yield the layer of one module that takes inputs of ``shape``; none for an identity.

    Raises:
        Unsupported: naming the module, or its option.
    """
    name = type(module).__name__
    part: Any = module
    if type(module).__module__.partition(".")[0] != "torch":
        raise Unsupported(f"layer {type(module).__module__}.{name} is not one of torch.nn's")
    if name in _NOTHING:
        if name == "Flatten":
            _demand(part, name, start_dim=1, end_dim=-1)
        return
    if name in _PLAIN:
        yield Activation(_PLAIN[name])
    elif name == "LeakyReLU":
        yield Activation("leaky_relu", float(part.negative_slope))
    elif name == "Softplus":
        _demand(part, "Softplus", beta=1)
        yield Activation("softplus")
    elif name == "GELU":
        _demand(part, "GELU", approximate="none")
        yield Activation("gelu")
    elif name in {"Linear", "ParametrizedLinear"}:
        yield Dense(_array(part.weight), _bias(part))
    elif name == "Conv2d":
        yield _convolution(part, shape)
    else:
        raise Unsupported(f"layer {name} is none of {', '.join(KNOWN)}")


def read_pt(path: str | Path, shape: Shape | None = None, activation: str = "relu") -> Network:
    """Return the network in a .pt file: a pickled ``torch.nn.Sequential``, or a state dict.

    The file is read by ``torch.load(weights_only=True)``: a pickle that asks for anything but
    tensors and the classes ``KNOWN`` is refused before it runs.

    Args:
        path: the file.
        shape: as for ``from_torch``.
        activation: what stands between the dense layers of a state dict, which does not say.

    Raises:
        Unsupported: as ``from_torch``; a state dict has other parameters than those of dense
            layers; no such activation.
        TiltyardError: the file is missing, corrupt, or asks for other classes or functions.
    """
    found = _load(path)
    try:
        if isinstance(found, Mapping):
            return _from_state(found, activation)
        return from_torch(_module(found), shape)
    except TiltyardError as error:
        raise type(error)(f"{path}: {error}") from None
    except (AttributeError, TypeError) as error:
        raise TiltyardError(f"{path} holds a module with parts missing: {error}") from None


def _module(found: Any) -> Module:
    if type(found).__name__ not in KNOWN:
        raise TiltyardError(f"holds a {type(found).__name__}, no Sequential and no state dict")
    module: Module = found
    return module


def _load(path: str | Path) -> Any:
    import torch

    classes = [getattr(torch.nn, name) for name in KNOWN]
    if not Path(path).is_file():
        raise TiltyardError(f"{path} cannot be read: it is not a file")
    try:
        # ``set`` is what a module's __dict__ keeps the names of its buffers in.
        with torch.serialization.safe_globals([*classes, set]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        wanted = str(error).partition("Unsupported global: GLOBAL ")[2].partition(" ")[0]
        owner, _, name = wanted.rpartition(".")
        if owner.startswith("torch.nn.modules."):
            raise Unsupported(f"{path}: layer {name} is none of {', '.join(KNOWN)}") from None
        reason = f"it asks for {wanted}, which is not allowed" if wanted else "its pickle is broken"
        raise TiltyardError(f"{path} is refused: {reason}") from None
    except Exception as error:  # noqa: BLE001 - what a corrupt file raises is anybody's guess
        first = str(error).strip().partition("\n")[0]
        raise TiltyardError(f"{path} is no whole .pt file: {first}") from None


def _from_state(state: Mapping[Any, Any], activation: str) -> Network:
    kind = next((kind for kind in KINDS if kind == activation), None)
    if kind is None:
        raise Unsupported(f"activation {activation} is none of {', '.join(KINDS)}")
    layers: list[Layer] = []
    for key, value in state.items():
        owner, _, parameter = str(key).rpartition(".")
        if not hasattr(value, "numpy"):
            raise TiltyardError(f"entry {key} of the state dict is no tensor")
        if parameter == "bias" and f"{owner}.weight".lstrip(".") in state:
            continue
        if parameter != "weight" or value.ndim != 2:
            raise Unsupported(
                f"parameter {key} {tuple(value.shape)} is of no dense layer; a state dict does not "
                "say more: save the Sequential itself"
            )
        weight = _array(value)
        bias = state.get(f"{owner}.bias".lstrip("."))
        if layers:
            layers.append(Activation(kind))
        layers.append(Dense(weight, np.zeros(len(weight)) if bias is None else _array(bias)))
    if not layers:
        raise TiltyardError("the state dict is empty")
    return Network(len(layers[0].weight.T), tuple(layers))  # type: ignore[attr-defined]


def _flat(module: Module) -> Iterator[Module]:
    if type(module).__name__ == "Sequential":
        for inner in module.children():
            yield from _flat(inner)
    else:
        yield module


def _first_shape(modules: list[Module]) -> Shape:
    from torch.nn import Linear

    for module in modules:
        if isinstance(module, Linear):
            return (module.in_features,)
        if type(module).__name__ == "Conv2d":
            raise TiltyardError("a convolution comes first: state the shape of its input")
    raise TiltyardError("the network has no layer that says how many inputs it takes")


def _reshaped(shape: Shape, size: int) -> Shape:
    return shape if math.prod(shape) == size else (size,)


def _convolution(part: Any, shape: Shape) -> Conv2d:
    _demand(part, "Conv2d", groups=1, padding_mode="zeros", dilation=(1, 1))
    kernel, bias = _array(part.weight), _bias(part)
    if len(shape) != 3:
        raise TiltyardError(f"a convolution follows {shape} outputs, not channels, height, width")
    sides = {"stride": part.stride, "padding": part.padding}
    for option, value in sides.items():
        if isinstance(value, str) or len(set(value)) != 1:
            raise Unsupported(f"Conv2d with {option}={value}: one number for both axes is taken")
    c, h, w = shape
    return Conv2d(kernel, bias, (c, h, w), int(part.stride[0]), int(part.padding[0]))


def _demand(part: Any, name: str, **wanted: object) -> None:
    for option, value in wanted.items():
        if getattr(part, option) != value:
            found = getattr(part, option)
            raise Unsupported(f"layer {name} with {option}={found} has no equivalent here")


def _bias(part: Any) -> NDArray[np.float64]:
    return np.zeros(len(part.weight)) if part.bias is None else _array(part.bias)


def _array(tensor: Any) -> NDArray[np.float64]:
    array: NDArray[np.float64] = tensor.detach().cpu().double().numpy().copy()
    return array
