"""The authors' released weights, as their repository names them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import TiltyardError
from tiltyard.implementations.forecasting._super_linear_shape import (
    BLOCK,
    COMPLEMENTARY,
    LOOK_BACK,
    PERIODS,
    SPECTRUM,
)

Array = NDArray[np.floating[Any]]

_FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
"""Numbers in a .safetensors file."""


def released(path: Path) -> dict[str, Any]:
    """Return the arrays of a model from a state dict with the names of the authors' repository.

    Its experts are numbered: 0 and 1 are the mean and the naive one, then the frequencies follow,
    then the complementary ones. The state dict does not tell the periods, so they are the full
    model's.

    Args:
        path: a .safetensors file, or one that ``torch.save`` wrote.

    Raises:
        TiltyardError: it cannot be read, or is of another model.
    """
    count = len(PERIODS) + COMPLEMENTARY
    shapes: dict[str, tuple[int, ...]] = {
        "gating_network.weight": (count + 2, SPECTRUM // 2),
        "gating_network.bias": (count + 2,),
    }
    for i in range(2, count + 2):
        shapes[f"experts.{i}.Linear.weight"] = (BLOCK, LOOK_BACK)
        shapes[f"experts.{i}.Linear.bias"] = (BLOCK,)
    state = {
        name.removeprefix("backbone.").removeprefix("moe."): value
        for name, value in _state_dict(path).items()
    }
    for name, shape in shapes.items():
        if name not in state:
            raise TiltyardError(f"lacks backbone.moe.{name}")
        if state[name].shape != shape:
            raise TiltyardError(f"backbone.moe.{name} has shape {state[name].shape}, not {shape}")
    if odd := sorted(name for name in set(state) - set(shapes) if name.startswith("experts.")):
        raise TiltyardError(f"has backbone.moe.{odd[0]}, which the released model has not")
    return {
        "periods": np.array(PERIODS, np.int64),
        "expert_weight": _stacked(state, "weight", count),
        "expert_bias": _stacked(state, "bias", count),
        "gate_weight": state["gating_network.weight"],
        "gate_bias": state["gating_network.bias"],
    }


def _stacked(state: dict[str, Array], part: str, count: int) -> Array:
    return np.stack([state[f"experts.{i}.Linear.{part}"] for i in range(2, count + 2)])


def _state_dict(path: Path) -> dict[str, Array]:
    """Return the tensors of a file as float32 arrays."""
    try:
        return _safetensors(path) if path.suffix == ".safetensors" else _pickled(path)
    except Exception as error:  # noqa: BLE001 - torch raises many kinds for a foreign file
        kind = type(error).__name__
        raise TiltyardError(f"is no state dict that can be read ({kind})") from None


def _pickled(path: Path) -> dict[str, Array]:
    import torch

    # weights_only: nothing in the file is run as code.
    state = torch.load(path, map_location="cpu", weights_only=True)
    return {name: tensor.detach().float().numpy() for name, tensor in state.items()}


def _safetensors(path: Path) -> dict[str, Array]:
    """Read the format: 8 bytes with the header's length, a header in JSON, the numbers."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    made = {}
    for name, entry in header.items():
        if name != "__metadata__":
            first, last = (start + offset for offset in entry["data_offsets"])
            numbers = np.frombuffer(content[first:last], _FLOATS[entry["dtype"]])
            made[name] = numbers.reshape(entry["shape"]).astype(np.float32)
    return made
