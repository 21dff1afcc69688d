"""Templates and files: everything that a page shows is escaped, and a file appears at once."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiltyard.errors import TiltyardError
from tiltyard.report import addresses
from tiltyard.report.conditions import SMOKE
from tiltyard.report.format import breakable
from tiltyard.report.table_html import table_html

if TYPE_CHECKING:
    import jinja2


def write_page(out: Path, address: str, template: str, values: Mapping[str, Any]) -> None:
    """Write a page of the site.

    Args:
        out: the site's folder.
        address: of the page, from the root.
        template: its file.
        values: what it shows.

    Raises:
        TiltyardError: the file cannot be written.
    """
    root = "../" * address.count("/")
    text = _templates().get_template(template).render(values, root=root)
    write_file(out / address, text)


def make_folder(folder: Path) -> None:
    """Make a folder if it is absent.

    Raises:
        TiltyardError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TiltyardError(f"cannot write reports to {folder}: {error.strerror}") from None


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file at once: a reader sees the old one or the new one.

    Raises:
        TiltyardError: it cannot be written.
    """
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        Path(temporary).chmod(0o644)  # mkstemp's own mode would hide a published page
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        raise TiltyardError(f"cannot write {path}: {error.strerror}") from None


@cache
def _templates() -> jinja2.Environment:
    """Return the templates; every value that they show is escaped."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["breakable"] = lambda text: Markup(breakable(str(text)))  # noqa: S704 - escaped there
    environment.filters["capitalize_first"] = lambda text: text[:1].upper() + text[1:]
    environment.globals["table"] = lambda *given: Markup(table_html(*given))  # noqa: S704 - escaped there
    environment.globals["at"] = addresses
    environment.globals["smoke"] = SMOKE
    return environment
