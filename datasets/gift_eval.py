"""Series of the GIFT-Eval collection, one Arrow file each; fetched from Hugging Face.

GIFT-Eval (Aksu et al., 2024, arXiv:2410.10393) keeps each set of series as Hugging Face's
``datasets`` saves one: an Arrow IPC stream with the columns ``item_id``, ``start``, ``freq`` and
``target``. Listed here are those whose checksum Hugging Face shows at the pinned commit; of the
others, ``own-series`` reads a copy.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tiltyard.dataset import Arrays, Dataset, dataset

AT = (
    "https://huggingface.co/datasets/Salesforce/GiftEval/resolve/"
    "45aea363957f716c8cd6e87e974d6d52871e2502/"
)
FILE = "data-00000-of-00001.arrow"
CHECKSUMS = {
    "bitbrains_rnd/5T": "7aa85eeb0be4086161e88ca3bcf0b2e3f66728bbb30fff203f21db945de96cb3",
    "car_parts_with_missing": "78ea2e9ed786061c2c2c723f265bd61dcba8b316a0a6b9d39366ccf1ca26245a",
    "electricity/15T": "0ccc5977e36618e1c7c50824892ec25a2f35320609e5783e3b695e7a5c805bc5",
    "electricity/H": "0d3146c6291665126efdf87d0fe92356027d911017afaf956c17627d109b628b",
    "electricity/W": "e8158126a2d15fc985d69290c68ca04940684c02bacb70bff421dd2bd947a2f8",
    "ett1/15T": "f9ef6b8777c61fe2efddc99ae54d7af6bf46a89147fe32aff7d3c44adbe30559",
    "ett1/H": "e4f9484726edb0c28581df4d03b255239bab9b2c0ea14acfdb1fea69d79dd325",
    "ett2/15T": "f4855128c18f5b4b41056ac28d922cca8fafb1078e44358f73dee79797ec0d7b",
    "hierarchical_sales/D": "62312a9c3a21f52682081a79ae702950f7f6ec984df4f385336329b9238ca156",
    "hierarchical_sales/W": "6a47cc27c6051ae83b0007d7439557032ecbf2840f4341c348e8e2c3bc78b564",
    "jena_weather": "b2cc351f93268eea352a08cdd76d836711535c6cb157a7f3cf338d9b4db9c700",
    "m4_daily": "bb82fc356772441f3354ba9d74aaa7288db2d7e589d5e62b43b8a87736bc47e2",
    "m4_monthly": "cc6e94232aa23146a89c5cf3e43d71f9e69c7040febeb9017d4d6a1dacb19b63",
    "m4_quarterly": "e0daa4b4440478a1e127c5f5e4b9b9b411de60c272fb4123e95a0793ab5926f0",
    "m4_weekly": "eebf2b0a90f853dd487480b0a2af453e9948afbd9d55e6ff7f1eee95ff5f8c90",
    "us_births/W": "26fba0a8a5afe8773c9a749671859306d6ba5f2dfd922e98b645226a600884e2",
}
"""SHA-256 of the file of each set."""


def dataset_name(name: str) -> str:
    """Return the name of the dataset of one of GIFT-Eval's sets: ``gift-ett1-h`` for ``ett1/H``."""
    return f"gift-{name.lower().replace('/', '-').replace('_', '-')}"


def read_arrow(path: Path) -> Arrays:
    """Return the series in an Arrow file that Hugging Face's ``datasets`` saved.

    Returns:
        values: (S, T) float64, each series at the end of its row, NaN where a value is missing or
            a series has not begun. A row of the file with several series is several here.
        lengths: (S,) int64, values of each series, missing ones included.
        starts: (S,) int64, the time of each series' first value, in seconds since 1970.
        frequency: the characters of the alias that stands in the file, as uint8.

    Raises:
        ValueError: the file is of another format, lacks a column, or has several frequencies.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    table = _table(path)
    absent = [name for name in ("start", "freq", "target") if name not in table.column_names]
    if absent:
        raise ValueError(f"it has no column {absent[0]}; its columns: {table.column_names}")
    frequencies = pc.unique(table["freq"]).to_pylist()
    if len(frequencies) != 1:
        raise ValueError(f"it has {len(frequencies)} frequencies: {frequencies[:5]}")
    target = table["target"].combine_chunks()
    if not _is_list(target.type):
        raise ValueError(f"its targets are no lists of numbers but {target.type}")
    dimensions = np.ones(len(target), np.int64)
    if _is_list(target.type.value_type):
        dimensions = pc.list_value_length(target).to_numpy()
        target = target.flatten()
    lengths = pc.list_value_length(target).fill_null(0).to_numpy().astype(np.int64)
    flat = target.flatten().cast(pa.float64()).to_numpy(zero_copy_only=False)
    starts = table["start"].cast(pa.timestamp("s")).cast(pa.int64()).to_numpy()
    return {
        "values": _at_the_ends(flat, lengths),
        "lengths": lengths,
        "starts": np.repeat(starts, dimensions),
        "frequency": np.frombuffer(str(frequencies[0]).encode(), np.uint8).copy(),
    }


def _table(path: Path) -> Any:
    """Return the table in a file of Arrow's streaming format or of its file format."""
    import pyarrow as pa
    from pyarrow import ipc

    with pa.OSFile(str(path)) as file:
        try:
            return ipc.open_stream(file).read_all()
        except pa.ArrowInvalid:
            file.seek(0)
            return ipc.open_file(file).read_all()


def _is_list(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _at_the_ends(flat: Any, lengths: Any) -> Any:
    columns = int(lengths.max(initial=0))
    values = np.full((len(lengths), columns), np.nan)
    values[np.arange(columns) >= columns - lengths[:, None]] = flat
    return values


def _declared(name: str, sha256: str) -> Dataset:
    def load(path: Path) -> Arrays:
        return read_arrow(path)

    load.__name__ = dataset_name(name)
    load.__doc__ = f"GIFT-Eval's {name}; see ``read_arrow`` for its arrays."
    return dataset(
        licence="Apache-2.0, as its publisher says of the collection; its origins have own terms",
        source="Aksu et al. (2024), GIFT-Eval, arXiv:2410.10393; "
        "https://huggingface.co/datasets/Salesforce/GiftEval",
        url=f"{AT}{name}/{FILE}",
        filename=f"{name}/{FILE}",
        sha256=sha256,
        missing=True,
        needs={"pyarrow": "tiltyard[parquet]"},
    )(load)


GIFT_EVAL = [_declared(name, sha256) for name, sha256 in CHECKSUMS.items()]
