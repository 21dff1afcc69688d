"""Networks from ONNX files, by the package ``onnx`` (Apache-2.0), which executes nothing in them.

A value of the graph is a constant, or what a sequence of layers makes of the one input. Adding two
of the latter is a residual block where one sequence goes on from where the other ends.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from tiltyard.errors import TiltyardError, Unsupported
from tiltyard.needs import missing
from tiltyard.suites.lipschitz._onnx_operators import Made, Value, apply
from tiltyard.suites.lipschitz.network import Network

ONNX = {"onnx": "tiltyard[onnx]"}


def read_onnx(path: str | Path) -> Network:
    """Return the network in an .onnx file, its input flat.

    Operators: Gemm, MatMul and Conv with constant weights; Relu, LeakyRelu, Tanh, Sigmoid,
    Softplus, Gelu; Flatten, Reshape, Identity, Dropout; BatchNormalization; Add, Sub, Mul, Div with
    a constant; Add of a residual block.

    Raises:
        Unsupported: naming an operator, or an option of one, that has no equivalent.
        TiltyardError: the package ``onnx`` or the file is missing; the file is corrupt; weights
            hold NaN; shapes do not fit or are left open.
    """
    if reason := missing(ONNX):
        raise TiltyardError(f"{path} {reason}")
    try:
        return _network(_load(path).graph)
    except TiltyardError as error:
        raise type(error)(f"{path}: {error}") from None


def _load(path: str | Path) -> Any:
    import onnx

    try:
        model = onnx.load_model(str(path), load_external_data=False)
        _refuse_other_files(model)
        onnx.checker.check_model(model)
    except OSError as error:
        raise TiltyardError(f"cannot be read: {error.strerror}") from None
    except TiltyardError:
        raise
    except Exception as error:  # noqa: BLE001 - what a corrupt file raises is anybody's guess
        first = str(error).strip().partition("\n")[0]
        raise TiltyardError(f"is no valid ONNX file: {first}") from None
    return model


def _refuse_other_files(model: Any) -> None:
    for tensor in model.graph.initializer:
        if tensor.external_data:
            raise Unsupported(f"keeps the weights {tensor.name} in another file")


def _network(graph: Any) -> Network:
    from onnx import numpy_helper

    values: dict[str, Value] = {
        tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer
    }
    free = [given for given in graph.input if given.name not in values]
    if len(free) != 1 or len(graph.output) != 1:
        raise Unsupported(
            f"has {len(free)} inputs and {len(graph.output)} outputs; one of each is taken"
        )
    shape = _declared(free[0])
    values[free[0].name] = Made((), shape)
    for node in graph.node:
        values[node.output[0]] = apply(node, [values[name] for name in node.input if name])
    made = values.get(graph.output[0].name)
    if not isinstance(made, Made) or not made.layers:
        raise TiltyardError("its output does not depend on its input by any layer")
    return Network(math.prod(shape), made.layers)


def _declared(given: Any) -> tuple[int, ...]:
    sizes = [axis.dim_value for axis in given.type.tensor_type.shape.dim]
    if len(sizes) < 2 or min(sizes[1:]) < 1:
        raise TiltyardError(
            f"its input {given.name} must have a batch's axis and others of known size, not {sizes}"
        )
    return tuple(sizes[1:])
