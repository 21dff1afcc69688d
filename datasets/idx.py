"""A strict reader of MNIST's idx format.

MNIST's files are not fetched: their first address is gone, and none of the mirrors publishes a
licence. A user downloads them, packed or not, and names their paths.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import TiltyardError

MOST_BYTES = 2**30


def read_idx(path: str | Path) -> NDArray[np.uint8]:
    """Read an array of bytes: two zeros, the type 8, the number of axes, big-endian sizes, data.

    A file whose name ends in ``.gz`` is decompressed.

    Raises:
        TiltyardError: in one line with the file: it is missing, no such array, not as long as its
            sizes say, or larger than ``MOST_BYTES``.
    """
    if not str(path):
        raise TiltyardError("no idx file is named; give the paths as images=FILE,labels=FILE")
    data = _bytes(path)
    if len(data) < 4 or data[:3] != b"\0\0\x08" or not 1 <= data[3] <= 4:
        raise TiltyardError(f"{path} is no idx file of bytes: it starts with {data[:4].hex()}")
    start = 4 + 4 * data[3]
    shape = tuple(int(size) for size in np.frombuffer(data[4:start], dtype=">u4"))
    wanted = start + np.prod(shape, dtype=object)
    if len(shape) != data[3] or len(data) != wanted:
        raise TiltyardError(f"{path} has {len(data)} bytes, not the {wanted} of its header")
    return np.frombuffer(data, dtype=np.uint8, offset=start).reshape(shape)


def read_images(
    images: str | Path, labels: str | Path
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Read a file of images and one of their labels from 0 to 9.

    Returns:
        The (n, pixels) float64 images, 0 to 1, and the (n,) int64 labels.

    Raises:
        TiltyardError: as ``read_idx`` does; or the shapes do not belong together; or a label is
            above 9.
    """
    pixels, digits = read_idx(images), read_idx(labels)
    if pixels.ndim != 3 or digits.ndim != 1 or len(pixels) != len(digits) or not pixels.size:
        raise TiltyardError(
            f"{images} and {labels} are no images and their labels: shapes {pixels.shape} and "
            f"{digits.shape}"
        )
    if digits.max() > 9:
        raise TiltyardError(f"{labels}: label {digits.max()} is none from 0 to 9")
    return pixels.reshape(len(pixels), -1) / 255.0, digits.astype(np.int64)


def _bytes(path: str | Path) -> bytes:
    """Return the file's content, unpacked."""
    opened = gzip.open if str(path).endswith(".gz") else open
    try:
        with opened(path, "rb") as file:
            data: bytes = file.read(MOST_BYTES + 1)
    except (EOFError, zlib.error) as error:
        raise TiltyardError(f"{path} is no whole gzip stream: {error}") from None
    except OSError as error:
        raise TiltyardError(f"{path} cannot be read: {error.strerror or error}") from None
    if len(data) > MOST_BYTES:
        raise TiltyardError(f"{path} has more than {MOST_BYTES} bytes")
    return data
