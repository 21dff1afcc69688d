"""What adapters of pretrained models share: weights that the user has, contexts, batches."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tiltyard.errors import Unsupported
from tiltyard.implementations.forecasting._context import filled
from tiltyard.suites.forecasting.panel import Array

_KINDS = {".safetensors", ".bin", ".ckpt", ".pt"}


def located(weights: str, example: str) -> Path:
    """Return the folder of weights; nothing is ever downloaded.

    Args:
        weights: a folder, or the name of a model in Hugging Face's cache on this machine, after
            which ``@`` may name a revision.
        example: such a name, for the reason.

    Raises:
        Unsupported: none is named, or there is neither such a folder nor such a model.
    """
    if not weights:
        raise Unsupported(
            f"needs weights = a folder, or a model in Hugging Face's cache, such as {example}"
        )
    folder = Path(weights).expanduser()
    if folder.is_dir():
        return folder
    from huggingface_hub import snapshot_download

    name, _, revision = weights.partition("@")
    try:
        return Path(snapshot_download(name, revision=revision or None, local_files_only=True))
    except (OSError, ValueError) as error:
        fetch = f"hf download {name}" + (f" --revision {revision}" if revision else "")
        raise Unsupported(
            f"there is neither a folder {weights} nor such a model in Hugging Face's cache; "
            f"to download it: {fetch}"
        ) from error


def digest(folder: Path) -> str:
    """Return the SHA-256 of the weights in a folder, 16 hexadecimal digits of it."""
    made = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.suffix in _KINDS):
        with path.open("rb") as file:
            made.update(hashlib.file_digest(file, "sha256").digest())
    return made.hexdigest()[:16]


def size(parameters: Iterable[Any]) -> int:
    """Return how many numbers torch's parameters hold."""
    return sum(int(one.numel()) for one in parameters)


def contexts(past: Array, length: int) -> list[Array]:
    """Return the last values of each series from its first one on, gaps filled, (1...length,)."""
    recent = past[:, -length:]
    known = ~np.isnan(recent)
    first = np.where(known.any(axis=1), known.argmax(axis=1), recent.shape[1] - 1)
    return [series[begin:] for series, begin in zip(filled(recent), first, strict=True)]


def batched(
    predict: Callable[[list[Array]], tuple[Array, Array]], given: list[Array], batch: int
) -> tuple[Array, Array]:
    """Return the points (S, H) and quantiles (S, Q, H) that ``predict`` gives for batches."""
    parts = [predict(given[first : first + batch]) for first in range(0, len(given), batch)]
    points, quantiles = (np.concatenate(part) for part in zip(*parts, strict=True))
    # A model may let quantiles cross; sorted ones lose nothing (Chernozhukov et al., 2010).
    return points, np.sort(quantiles, axis=1)
