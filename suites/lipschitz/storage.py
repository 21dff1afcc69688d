"""Networks as named arrays of numbers, for .npz files: nothing in them is ever executed.

``inputs`` is the number of inputs; every other array is ``<place>.<layer>.<parameter>``, with the
layers in the order of their places:

- ``0.dense.weight`` (outputs, inputs) and ``0.dense.bias`` (outputs,);
- ``0.conv2d.kernel``, ``bias``, ``shape`` (3,), ``stride``, ``padding``, as in ``layers.Conv2d``;
- ``1.<kind>.slope`` for an activation, such as ``1.relu.slope`` (of leaky ReLU; else of no use);
- ``1.groupsort.group``;
- ``1.householder.vectors`` (pairs, 2), brought to unit length;
- ``2.residual.skip``, ``2.residual.scale`` and the branch's layers: ``2.residual.0.dense.weight``.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from tiltyard.errors import TiltyardError, Unsupported
from tiltyard.suites.lipschitz.layers import (
    KINDS,
    Activation,
    Conv2d,
    Dense,
    GroupSort,
    Householder,
    Layer,
    Residual,
)
from tiltyard.suites.lipschitz.network import Network

Named = Mapping[str, NDArray[Any]]


def pack(network: Network) -> dict[str, NDArray[Any]]:
    """Return the network as named arrays, parameters in float64.

    Raises:
        Unsupported: a layer of it has no such form.
    """
    return {"inputs": np.array(network.inputs), **dict(_packed(network.layers))}


def unpack(arrays: Named) -> Network:
    """Return the network that named arrays describe.

    Raises:
        Unsupported: naming a layer that is not one of the above.
        TiltyardError: an array is missing, of another form, or holds NaN; the layers do not fit.
    """
    given = dict(arrays)
    inputs = given.pop("inputs", None)
    if inputs is None:
        raise TiltyardError("the network has no array 'inputs'")
    return Network(_whole("inputs", inputs), tuple(_unpacked(given, "")))


def read_npz(path: str | Path) -> Network:
    """Return the network in a .npz file.

    Raises:
        TiltyardError: as ``unpack``, or the file is missing, truncated, or holds objects.
    """
    try:
        with Path(path).open("rb") as stream, NpzFile(stream, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except OSError as error:
        raise TiltyardError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise TiltyardError(f"{path} is no whole .npz file of numbers: {error}") from None
    try:
        return unpack(arrays)
    except TiltyardError as error:
        raise type(error)(f"{path}: {error}") from None


def _packed(layers: Iterable[Layer]) -> Iterator[tuple[str, NDArray[Any]]]:
    for place, layer in enumerate(layers):
        name, parameters = _parameters(layer)
        for parameter, value in parameters.items():
            yield f"{place}.{name}.{parameter}", np.array(value)


def _parameters(layer: Layer) -> tuple[str, dict[str, Any]]:
    match layer:
        case Dense():
            return "dense", {"weight": layer.weight, "bias": layer.bias}
        case Conv2d():
            names = ("kernel", "bias", "shape", "stride", "padding")
            return "conv2d", {name: getattr(layer, name) for name in names}
        case Activation():
            return layer.kind, {"slope": layer.slope}
        case GroupSort():
            return "groupsort", {"group": layer.group}
        case Householder():
            return "householder", {"vectors": layer.vectors}
        case Residual():
            numbers = {"skip": layer.skip, "scale": layer.scale}
            return "residual", numbers | dict(_packed(layer.branch))
    raise Unsupported(f"no arrays describe {type(layer).__name__} layers")


def _unpacked(arrays: Named, within: str) -> Iterator[Layer]:
    groups: dict[int, tuple[str, dict[str, NDArray[Any]]]] = {}
    for key, array in arrays.items():
        place, dot, rest = key.partition(".")
        name, second, parameter = rest.partition(".")
        if not (place.isdecimal() and dot and second):
            raise TiltyardError(f"array {within}{key} is not named <place>.<layer>.<parameter>")
        found, parameters = groups.setdefault(int(place), (name, {}))
        if found != name:
            raise TiltyardError(f"layer {within}{place} is both {found} and {name}")
        parameters[parameter] = array
    for number, (name, parameters) in sorted(groups.items()):
        where = f"{within}{number}.{name}"
        yield _layer(where, name, _Found(where, parameters))


class _Found:
    """The arrays of one layer, by the names of its parameters."""

    def __init__(self, where: str, arrays: Named) -> None:
        self.where, self.arrays = where, arrays

    def array(self, name: str) -> NDArray[Any]:
        return _numbers(f"{self.where}.{name}", self.arrays.get(name))

    def number(self, name: str) -> float:
        array = self.array(name)
        if array.size != 1:
            raise TiltyardError(f"{self.where}.{name} must be one number, found {array.shape}")
        return float(array.item())

    def whole(self, name: str) -> int:
        return _whole(f"{self.where}.{name}", self.array(name))


def _layer(where: str, name: str, found: _Found) -> Layer:
    kind = next((kind for kind in KINDS if kind == name), None)
    if kind is not None:
        return Activation(kind, found.number("slope"))
    match name:
        case "dense":
            return Dense(found.array("weight"), found.array("bias"))
        case "conv2d":
            return _convolution(where, found)
        case "groupsort":
            return GroupSort(found.whole("group"))
        case "householder":
            return Householder(_unit(where, found.array("vectors")))
        case "residual":
            inner = {k: v for k, v in found.arrays.items() if k not in {"skip", "scale"}}
            branch = tuple(_unpacked(inner, f"{where}."))
            return Residual(branch, found.number("skip"), found.number("scale"))
    raise Unsupported(f"layer {where}: no such layer or activation")


def _convolution(where: str, found: _Found) -> Conv2d:
    shape = found.array("shape")
    if shape.shape != (3,):
        raise TiltyardError(f"{where}.shape must be channels, height and width")
    c, h, w = (int(size) for size in shape)
    sides = found.whole("stride"), found.whole("padding")
    return Conv2d(found.array("kernel"), found.array("bias"), (c, h, w), *sides)


def _unit(where: str, vectors: NDArray[Any]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=-1, keepdims=True)
    if vectors.ndim != 2 or not (lengths > 0).all():
        raise TiltyardError(f"{where}.vectors must be an (n, 2) array without zero rows")
    unit: NDArray[np.float64] = vectors / lengths
    return unit


def _numbers(where: str, array: NDArray[Any] | None) -> NDArray[Any]:
    if array is None:
        raise TiltyardError(f"the network has no array {where}")
    if array.dtype.kind not in "iuf":
        raise TiltyardError(f"array {where} holds {array.dtype}, not real numbers")
    if not np.isfinite(array).all():
        raise TiltyardError(f"array {where} holds NaN or infinity")
    return array


def _whole(where: str, array: NDArray[Any]) -> int:
    numbers = _numbers(where, array)
    if numbers.size != 1 or numbers.item() != int(numbers.item()):
        raise TiltyardError(f"{where} must be one whole number")
    return int(numbers.item())
