"""What judges make of the numbers that methods hand over."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import InvalidAnswer, NonFiniteAnswer


def real(
    name: str,
    value: Any,
    shape: tuple[int, ...],
    *,
    wanted: str = "",
    unbounded: bool = False,
) -> NDArray[np.float64]:
    """Return a float64 copy of an array, tensor or list of real numbers.

    Args:
        name: what the numbers are, for messages.
        value: a list, NumPy array, or torch tensor of any device.
        shape: the one it must have.
        wanted: what messages say is expected; needed if there is more than one dimension.
        unbounded: whether plus infinity is a number here, as a bound that says nothing.

    Raises:
        InvalidAnswer: not real numbers, or another shape.
        NonFiniteAnswer: NaN or infinity among them, apart from what is allowed.
    """
    wanted = wanted or (f"{shape[0]} real numbers" if shape else "one real number")
    expected = f"{name}: expected {wanted}"
    try:
        array = np.asarray(_from_torch(value) if hasattr(value, "detach") else value)
    except (ValueError, TypeError, RuntimeError, AttributeError):
        raise InvalidAnswer(f"{expected}, found {type(value).__name__}") from None
    if array.dtype.kind not in "iuf":
        raise InvalidAnswer(f"{expected}, found dtype {array.dtype}")
    if array.shape != shape:
        raise InvalidAnswer(f"{expected}, found shape {array.shape}")
    with np.errstate(all="ignore"):
        copy: NDArray[np.float64] = np.array(array, dtype=np.float64)
    if not (np.isfinite(copy) | (unbounded & (copy == np.inf))).all():
        raise NonFiniteAnswer(f"{name} holds NaN or {'minus ' if unbounded else ''}infinity")
    return copy


def _from_torch(tensor: Any) -> Any:
    """Return a tensor of any device and dtype as a NumPy array."""
    tensor = tensor.detach().cpu()
    # NumPy has no bfloat16.
    return (tensor.double() if tensor.is_floating_point() else tensor).numpy()
