"""Super-Linear's weights: what a checkpoint holds, how it is read, verified and written."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.download import file_sha256
from tiltyard.errors import TiltyardError
from tiltyard.implementations.forecasting._super_linear_released import released
from tiltyard.implementations.forecasting._super_linear_shape import BLOCK, LOOK_BACK, SPECTRUM

Array = NDArray[np.floating[Any]]

SHIPPED = Path(__file__).with_name("super_linear.npz")
"""The checkpoint that ships; ``SHIPPED_SHA256`` is the hash of its bytes."""

SHIPPED_SHA256 = "647f1807c3733a8964f24df31eebffcfe10c7717da66e27ddaabd9bec5f1403f"

_NONE = np.empty((0, 0), np.float32)


@dataclass(frozen=True, eq=False, kw_only=True)
class Weights:
    """The parameters of a Super-Linear model with F frequency and C complementary experts.

    The gate's outputs are ordered as the released model's experts: the mean, the naive expert, the
    frequency experts, the complementary ones.

    Attributes:
        periods: (F,) int64, in values.
        expert_weight: (F + C, 96, 512) float32.
        expert_bias: (F + C, 96) float32.
        gate_weight: (2 + F + C, 2500) float32.
        gate_bias: (2 + F + C,) float32.
        residual_quantiles: (9, 96) float32, of hold-out errors at each step of a block, in units
            of the window's standard deviation, ascending; empty where none were measured.
    """

    periods: NDArray[np.int64]
    expert_weight: Array
    expert_bias: Array
    gate_weight: Array
    gate_bias: Array
    residual_quantiles: Array = field(default_factory=_NONE.copy)

    def __post_init__(self) -> None:
        """Check that the arrays fit each other.

        Raises:
            TiltyardError: one has another shape, or holds NaN or infinity.
        """
        experts = len(self.expert_weight)
        wanted = {
            "periods": (min(len(self.periods), experts),),
            "expert_weight": (experts, BLOCK, LOOK_BACK),
            "expert_bias": (experts, BLOCK),
            "gate_weight": (experts + 2, SPECTRUM // 2),
            "gate_bias": (experts + 2,),
        }
        if self.residual_quantiles.size:
            wanted["residual_quantiles"] = (9, BLOCK)
        for name, shape in wanted.items():
            array = getattr(self, name)
            if array.shape != shape:
                raise TiltyardError(f"{name} has shape {array.shape}, not {shape}")
            if not np.isfinite(array).all():
                raise TiltyardError(f"{name} holds NaN or infinity")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the experts, in the order of the gate's outputs."""
        complementary = range(len(self.expert_weight) - len(self.periods))
        return (
            "mean",
            "naive",
            *(f"period {period}" for period in self.periods),
            *(f"complementary {i}" for i in complementary),
        )

    @property
    def parameters(self) -> int:
        """Learnt numbers of the point forecast: 2,540,703 in the full model."""
        arrays = (self.expert_weight, self.expert_bias, self.gate_weight, self.gate_bias)
        return sum(array.size for array in arrays)


def save(path: Path, weights: Weights, *, dtype: type = np.float16) -> str:
    """Write a checkpoint; return the SHA-256 of its bytes, the same for the same weights.

    Args:
        path: of the .npz file.
        weights: what to write.
        dtype: of the numbers in the file, float16 or float32.
    """
    arrays = {one.name: getattr(weights, one.name) for one in fields(weights)}
    learnt = {name: array.astype(dtype) for name, array in arrays.items() if name != "periods"}
    with path.open("wb") as file:
        np.savez(file, periods=weights.periods, **learnt)
    return file_sha256(path)


def load(path: Path, *, sha256: str = "") -> Weights:
    """Read a checkpoint of ours (.npz) or the authors' released weights (a torch state dict).

    Args:
        path: a file that ends in .npz, .safetensors, .bin, .pt or .pth.
        sha256: what the file's bytes must have; any if empty.

    Raises:
        TiltyardError: there is no such file, it is corrupt or another one, or its arrays do not
            make a model.
    """
    if not path.is_file():
        raise TiltyardError(f"weights {path}: no such file")
    if sha256 and (found := file_sha256(path)) != sha256:
        raise TiltyardError(f"weights {path}: SHA-256 {found[:12]}.., not {sha256[:12]}..")
    try:
        arrays = _read(path) if path.suffix == ".npz" else released(path)
        return Weights(**arrays)
    except TiltyardError as error:
        raise TiltyardError(f"weights {path}: {error}") from None


def named(weights: str) -> tuple[Path, str]:
    """Return the file that a method's parameter ``weights`` names, and the hash it must have."""
    if weights == "shipped":
        return SHIPPED, SHIPPED_SHA256
    return Path(weights).expanduser(), ""


def ungated(weights: Weights) -> Weights:
    """Return the model whose gate has the same output for every expert, whatever the window."""
    return replace(
        weights,
        gate_weight=np.zeros_like(weights.gate_weight),
        gate_bias=np.zeros_like(weights.gate_bias),
    )


def _read(path: Path) -> dict[str, Any]:
    """Return the arrays of a checkpoint of ours."""
    known = {one.name for one in fields(Weights)}
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise TiltyardError(f"is no .npz file that can be read ({type(error).__name__})") from None
    if lacking := sorted(known - {"residual_quantiles"} - set(arrays)):
        raise TiltyardError(f"lacks {', '.join(lacking)}")
    if odd := sorted(set(arrays) - known):
        raise TiltyardError(f"holds {odd[0]}, which is no part of a Super-Linear model")
    return {
        name: _numbers(name, array, np.int64 if name == "periods" else np.float32)
        for name, array in arrays.items()
    }


def _numbers(name: str, array: Any, dtype: type) -> NDArray[Any]:
    if array.dtype.kind not in "iuf":
        raise TiltyardError(f"{name} has dtype {array.dtype}")
    return np.ascontiguousarray(array, dtype)
