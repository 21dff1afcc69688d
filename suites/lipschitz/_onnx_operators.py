"""What single operators of an ONNX graph are as layers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import TiltyardError, Unsupported
from tiltyard.suites.lipschitz.layers import Activation, Conv2d, Dense, Kind, Layer, Residual

MOST_ENTRIES = 4096
"""Of a layer that scales or shifts entry by entry, which is kept as a dense matrix."""

Constant = NDArray[Any]
Options = Mapping[str, Any]
_ACTIVATIONS: Mapping[str, Kind] = {
    "Relu": "relu",
    "LeakyRelu": "leaky_relu",
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "Softplus": "softplus",
    "Gelu": "gelu",
}


@dataclass(frozen=True)
class Made:
    """What layers make of the input: an array of ``shape``, without the batch's axis."""

    layers: tuple[Layer, ...]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)

    def then(self, layer: Layer, shape: tuple[int, ...]) -> Made:
        """Return the path with one more layer."""
        layer.size(self.size)
        return Made((*self.layers, layer), shape)


Value = Constant | Made


def apply(node: Any, given: list[Value]) -> Value:
    """Return the value of a node's output from those of its inputs.

    Raises:
        Unsupported: naming the operator, or its option, that has no equivalent.
        TiltyardError: shapes do not fit, or a constant holds NaN.
    """
    from onnx import helper, numpy_helper

    options = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    if node.op_type == "Constant" and "value" in options:
        return np.asarray(numpy_helper.to_array(options["value"]))
    if not any(isinstance(value, Made) for value in given):
        raise Unsupported(f"layer {_named(node)} of constants alone: fold constants on export")
    if node.op_type in {"Add", "Sub", "Mul", "Div"}:
        return _arithmetic(node, *given)
    x, weights = given[0], given[1:]
    if node.op_type not in _OPERATORS or node.domain not in {"", "ai.onnx"}:
        raise Unsupported(f"layer {_named(node)}")
    if not isinstance(x, Made) or any(isinstance(value, Made) for value in weights):
        raise Unsupported(f"layer {_named(node)} whose weights are not constant")
    return _OPERATORS[node.op_type](node, x, options, [np.asarray(value) for value in weights])


def _named(node: Any) -> str:
    return f"{node.op_type} ({node.name})" if node.name else str(node.op_type)


def _demand(node: Any, options: Options, **wanted: Any) -> None:
    """Refuse an option whose value is not the wanted one; an absent one is."""
    for option, value in wanted.items():
        found = options.get(option, value)
        if found != value:
            shown = found.decode() if isinstance(found, bytes) else found
            raise Unsupported(f"layer {_named(node)} with {option}={shown} has no equivalent here")


def _activation(node: Any, x: Made, options: Options, _constants: list[Constant]) -> Made:
    _demand(node, options, approximate=b"none")
    slope = float(options.get("alpha", 0.01))
    return x.then(Activation(_ACTIVATIONS[node.op_type], slope), x.shape)


def _nothing(_node: Any, x: Made, _options: Options, _constants: list[Constant]) -> Made:
    return x


def _flatten(node: Any, x: Made, options: Options, _constants: list[Constant]) -> Made:
    _demand(node, options, axis=1)
    return Made(x.layers, (x.size,))


def _reshape(node: Any, x: Made, options: Options, constants: list[Constant]) -> Made:
    """Take a reshape that leaves the batch's axis, the first one, alone."""
    _demand(node, options, allowzero=0)
    target = [int(size) for size in constants[0]]
    rest = [
        x.shape[i] if size == 0 and i < len(x.shape) else size for i, size in enumerate(target[1:])
    ]
    if rest.count(-1) == 1:
        known = -math.prod(rest)
        rest[rest.index(-1)] = x.size // known if known else 0
    if target[:1] not in ([-1], [0], [1]) or math.prod(rest) != x.size or min(rest) < 1:
        raise Unsupported(f"layer {_named(node)} to {target} of a batch of {x.shape}")
    return Made(x.layers, tuple(rest))


def _normalisation(node: Any, x: Made, options: Options, constants: list[Constant]) -> Made:
    _demand(node, options, training_mode=0)
    gamma, beta, mean, variance = (_column(x, one) for one in constants)
    scale = gamma / np.sqrt(variance + options.get("epsilon", 1e-5))
    return _affine(node, x, scale, beta - scale * mean)


def _gemm(node: Any, x: Made, options: Options, constants: list[Constant]) -> Made:
    _demand(node, options, transA=0)
    if len(x.shape) != 1 or not constants or constants[0].ndim != 2:
        raise Unsupported(f"layer {_named(node)} of a batch of {x.shape}, not of vectors")
    factor = np.asarray(constants[0], dtype=np.float64)
    weight = options.get("alpha", 1.0) * (factor if options.get("transB") else factor.T)
    bias = np.zeros(len(weight))
    if len(constants) > 1:
        bias = bias + options.get("beta", 1.0) * _spread(node, constants[1], bias.shape)
    return x.then(Dense(weight, bias), bias.shape)


def _convolution(node: Any, x: Made, options: Options, constants: list[Constant]) -> Made:
    _demand(node, options, group=1, dilations=[1, 1], auto_pad=b"NOTSET")
    if len(x.shape) != 3 or constants[0].ndim != 4:
        raise Unsupported(f"layer {_named(node)} of a batch of {x.shape}: only images are taken")
    kernel = constants[0]
    bias = constants[1] if len(constants) > 1 else np.zeros(len(kernel))
    sides = []
    for option, default in (("strides", [1, 1]), ("pads", [0] * 4)):
        values = options.get(option, default)
        if len(set(values)) != 1:
            raise Unsupported(f"layer {_named(node)} with {option}={values}: one number is taken")
        sides.append(int(values[0]))
    c, h, w = x.shape
    layer = Conv2d(kernel, bias, (c, h, w), *sides)
    return x.then(layer, layer.output_shape)


def _arithmetic(node: Any, one: Value, two: Value) -> Made:
    if isinstance(one, Made) and isinstance(two, Made):
        if node.op_type != "Add":
            raise Unsupported(f"layer {_named(node)} of two values that depend on the input")
        return _residual(node, one, two)
    if isinstance(one, Made):
        constant = _spread(node, two, one.shape)
        ones, none = np.ones(one.shape), np.zeros(one.shape)
        match node.op_type:
            case "Add":
                return _affine(node, one, ones, constant)
            case "Sub":
                return _affine(node, one, ones, -constant)
            case "Mul":
                return _affine(node, one, constant, none)
        with np.errstate(divide="ignore"):
            return _affine(node, one, 1.0 / constant, none)
    if not isinstance(two, Made) or node.op_type == "Div":
        raise Unsupported(f"layer {_named(node)} of a constant by a value")
    constant = _spread(node, one, two.shape)
    scale = {"Add": np.ones(two.shape), "Sub": -np.ones(two.shape), "Mul": constant}[node.op_type]
    return _affine(node, two, scale, np.zeros(two.shape) if node.op_type == "Mul" else constant)


def _residual(node: Any, one: Made, two: Made) -> Made:
    short, long = sorted((one, two), key=lambda made: len(made.layers))
    start = len(short.layers)
    if any(a is not b for a, b in zip(short.layers, long.layers, strict=False)):
        raise Unsupported(
            f"layer {_named(node)} of branches, neither of which is a part of the other"
        )
    if short.shape != long.shape:
        raise TiltyardError(f"{_named(node)} adds {short.shape} and {long.shape}")
    branch = long.layers[start:]
    layer = Residual(branch) if branch else Dense(2.0 * np.eye(short.size), np.zeros(short.size))
    return short.then(layer, short.shape)


def _affine(node: Any, x: Made, scale: Constant, shift: Constant) -> Made:
    """Return scale x + shift, entry by entry; both are of the shape of x."""
    last = x.layers[-1] if x.layers else None
    if isinstance(last, Dense) and (scale == 1.0).all():
        merged = Dense(last.weight, last.bias + shift.reshape(-1))
        return Made((*x.layers[:-1], merged), x.shape)
    if len(x.shape) == 3 and all((a == a[:, :1, :1]).all() for a in (scale, shift)):
        c, h, w = x.shape
        kernel = np.diag(scale[:, 0, 0])[:, :, None, None]
        return x.then(Conv2d(kernel, shift[:, 0, 0], (c, h, w)), x.shape)
    if x.size > MOST_ENTRIES:
        raise Unsupported(f"layer {_named(node)} of {x.size} entries, more than {MOST_ENTRIES}")
    return x.then(Dense(np.diag(scale.reshape(-1)), shift.reshape(-1)), x.shape)


def _column(x: Made, channels: Constant) -> Constant:
    """Return one number a channel as an array of the shape of x."""
    tail = (1,) * (len(x.shape) - 1)
    return np.broadcast_to(channels.astype(np.float64).reshape(-1, *tail), x.shape)


def _spread(node: Any, value: Value, shape: tuple[int, ...]) -> Constant:
    constant = np.asarray(value, dtype=np.float64)
    try:
        return np.broadcast_to(constant, (1, *shape)).reshape(shape)
    except ValueError:
        raise TiltyardError(
            f"{_named(node)}: {constant.shape} does not spread over {shape}"
        ) from None


_OPERATORS: Mapping[str, Callable[[Any, Made, Options, list[Constant]], Made]] = {
    **dict.fromkeys(_ACTIVATIONS, _activation),
    "Identity": _nothing,
    "Dropout": _nothing,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Gemm": _gemm,
    "MatMul": _gemm,
    "Conv": _convolution,
    "BatchNormalization": _normalisation,
}
