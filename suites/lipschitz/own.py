"""Problems of a user's own network, from a .pt, .onnx or .npz file.

In a problem file of one's own, ``tiltyard.suites.lipschitz.torch_modules.from_torch`` takes a
``torch.nn.Sequential``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from tiltyard.errors import TiltyardError, unknown
from tiltyard.family import problem
from tiltyard.names import Value
from tiltyard.suites.lipschitz._trained import chosen
from tiltyard.suites.lipschitz.layers import Array
from tiltyard.suites.lipschitz.monotonicity import numbered
from tiltyard.suites.lipschitz.network import Network
from tiltyard.suites.lipschitz.onnx_graphs import read_onnx
from tiltyard.suites.lipschitz.problem import LipschitzProblem, Norm
from tiltyard.suites.lipschitz.storage import read_npz
from tiltyard.suites.lipschitz.torch_modules import Shape, read_pt

_LOCAL: Mapping[str, Norm] = {"local-linf": "linf", "local-l2": "l2", "monotonicity": "partial"}
_GLOBAL: Mapping[str, Norm] = {"global-l2": "l2", "sorting-l2": "l2", "sorting-linf": "linf"}


def _track(parameters: Mapping[str, Value]) -> str:
    return str(parameters["track"])


@problem(suite="lipschitz", track=_track, files=("file", "points"))
def own_local(  # noqa: PLR0913 - a problem's parameters
    _rng: np.random.Generator,
    *,
    file: str = "none",
    points: str = "none",
    track: str = "local-linf",
    radius: float = 0.05,
    clip: str = "none",
    output: str = "all",
    features: str = "all",
    shape: str = "flat",
    activation: str = "relu",
    scaling: str = "as given",
) -> LipschitzProblem:
    """A network of your own, around points of your own.

    ``file`` is a .pt, .onnx or .npz file; ``points`` a .csv file of numbers or a .npy file, a point
    a row. ``track`` is ``local-linf`` (boxes), ``local-l2`` (balls) or ``monotonicity`` (of the
    ``features``, such as ``2-3-8``, in boxes). ``clip``, such as ``0:1``, cuts boxes to the range
    of valid inputs. ``output`` is ``all`` rows, one (``7``), or a difference of two (``1-2``).
    ``shape`` is that of a .pt file's input where a convolution comes first (``1x28x28``),
    ``activation`` what stands between the layers of a state dict, ``scaling`` the unit of inputs.
    """
    norm = _known(_LOCAL, track)
    f, words = chosen(read_network(file, shape, activation), output)
    if norm == "partial" and words == "all rows" and f.outputs == 1:
        words = "row 0"
    return LipschitzProblem(
        network=f,
        track=track,
        norm=norm,
        region="ball" if norm == "l2" else "box",
        centers=read_points(points),
        radius=radius,
        clip=_range(clip),
        outputs=words,
        input_scaling=scaling,
        features=numbered(features, f.inputs) if norm == "partial" else (),
    )


@problem(suite="lipschitz", track=_track, files=("file",))
def own_global(  # noqa: PLR0913 - a problem's parameters
    _rng: np.random.Generator,
    *,
    file: str = "none",
    track: str = "global-l2",
    output: str = "all",
    shape: str = "flat",
    activation: str = "relu",
    scaling: str = "as given",
) -> LipschitzProblem:
    """A network of your own, over all inputs.

    ``track`` is ``global-l2`` or, for a network that sorts, ``sorting-l2`` or ``sorting-linf``. The
    other parameters are those of ``own-local``.
    """
    norm = _known(_GLOBAL, track)
    f, words = chosen(read_network(file, shape, activation), output)
    return LipschitzProblem(
        network=f,
        track=track,
        norm=norm,
        region="global",
        outputs=words,
        input_scaling=scaling,
    )


def read_network(file: str | Path, shape: str = "flat", activation: str = "relu") -> Network:
    """Return the network in a .pt (or .pth), .onnx or .npz file; nothing in it is executed.

    Args:
        file: its path.
        shape: ``flat`` or, for a .pt file that starts with a convolution, such as ``1x28x28``.
        activation: what stands between the dense layers of a state dict.

    Raises:
        Unsupported: naming a layer or activation that the suite does not have.
        TiltyardError: the file is missing, corrupt, or of another kind, or its network is at fault.
    """
    path = Path(file)
    readers: Mapping[str, Callable[[], Network]] = {
        ".pt": lambda: read_pt(path, _shape(shape), activation),
        ".pth": lambda: read_pt(path, _shape(shape), activation),
        ".onnx": lambda: read_onnx(path),
        ".npz": lambda: read_npz(path),
    }
    if path.suffix not in readers:
        raise TiltyardError(f"{path} is no network: its name ends in none of {', '.join(readers)}")
    return readers[path.suffix]()


def read_points(file: str | Path) -> Array:
    """Return the (k, n) float64 points of a .csv file without a header, or of a .npy file.

    Raises:
        TiltyardError: the file is missing, no table of finite numbers, or empty.
    """
    path = Path(file)
    try:
        if path.suffix == ".npy":
            points = np.load(path, allow_pickle=False)
        else:
            with path.open(encoding="utf-8") as text:
                rows = [
                    [float(field) for field in line.split(",")] for line in text if line.strip()
                ]
            points = np.array(rows)
        points = np.atleast_2d(points.astype(np.float64))
    except OSError as error:
        raise TiltyardError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, TypeError, EOFError, AttributeError) as error:
        raise TiltyardError(f"{path} is no table of numbers: {error}") from None
    if points.ndim != 2 or not points.size or not np.isfinite(points).all():
        raise TiltyardError(f"{path} is no table of finite numbers: {points.shape}")
    return points


def _known(tracks: Mapping[str, Norm], track: str) -> Norm:
    if track not in tracks:
        raise unknown("track", track, tracks)
    return tracks[track]


def _range(clip: str) -> tuple[float, float] | None:
    if clip == "none":
        return None
    low, _, high = clip.partition(":")
    try:
        return float(low), float(high)
    except ValueError:
        raise TiltyardError(f"clip={clip} is neither none nor a range such as 0:1") from None


def _shape(shape: str) -> Shape | None:
    if shape == "flat":
        return None
    sizes = shape.split("x")
    if len(sizes) != 3 or not all(size.isdecimal() and int(size) for size in sizes):
        raise TiltyardError(
            f"shape={shape} is neither flat nor channels x height x width (1x28x28)"
        )
    return tuple(int(size) for size in sizes)
