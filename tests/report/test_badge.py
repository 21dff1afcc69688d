"""Tests of badges: what they say, that they are XML, and that their text fits."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib as mpl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.ft2font import FT2Font, LoadFlags
from odd_boards import NAMES, ODD, board_of, named, odd_boards
from toy_store import MINUS, PLUS, by_hand

from tiltyard.report.badge import LEAD, OTHER, RANKED, badges, text_width

SVG = "{http://www.w3.org/2000/svg}"


def parse(svg):
    return ET.fromstring(svg)  # noqa: S314 - our own output


def words(svg):
    """Return a badge's two texts and its title."""
    root = parse(svg)
    return [text.text for text in root.iter(f"{SVG}text")], root.find(f"{SVG}title").text


def by_implementation(board):
    names = [row.implementation for row in board.rows]
    return dict(zip(names, dict(badges(board)).values(), strict=True))


def test_a_rank_with_its_title(toy):
    board = board_of(toy, by_hand())
    texts, title = words(by_implementation(board)["halve"])
    row = next(row for row in board.rows if row.implementation == "halve")
    assert texts == ["tiltyard toy", f"rank {row.rank} of 4"]
    assert title.startswith("Tiltyard toy, tier standard: halve, rank 2 [")
    assert title.endswith(f"of 4 with its 95 % interval, pool {board.pool}")


def test_it_counts_who_is_ranked(toy):
    texts, _ = words(by_implementation(odd_boards(toy)["nothing ranked"])["halve"])
    assert texts[1] == "not ranked"


@pytest.mark.parametrize(
    ("what", "name", "message", "colour"),
    [
        ("smoke", "halve", "smoke: reached no target", OTHER),
        ("one implementation", "halve", "rank 1 of 1", LEAD),
        ("all failed", "halve", "reached no target", OTHER),
        ("all unsupported", "halve", "not ranked", OTHER),
        ("usual", "noisy", "rank 1 of 4", LEAD),
        ("usual", "halve", "rank 2 of 4", RANKED),
        ("usual", "misbehave", "reached no target", OTHER),
    ],
)
def test_messages(toy, what, name, message, colour):
    svg = by_implementation(odd_boards(toy)[what])[name]
    assert words(svg)[0][1] == message
    assert [path.get("fill") for path in parse(svg).iter(f"{SVG}path")][1] == colour


def test_ties_are_told(toy):
    board = board_of(toy, [named(name, problem=p) for name in "ab" for p in (PLUS, MINUS)])
    assert {words(svg)[0][1] for _, svg in badges(board)} == {"rank 1 (tie) of 2"}


@pytest.mark.parametrize("what", ODD)
def test_badges_are_xml_with_a_title_and_no_ids(toy, what):
    for row, (file, svg) in zip(
        odd_boards(toy)[what].rows, badges(odd_boards(toy)[what]), strict=True
    ):
        root = parse(svg)
        assert root.get("role") == "img"
        assert root.get("aria-label") == root.find(f"{SVG}title").text
        assert "id=" not in svg
        if row.implementation.isalnum():
            assert row.implementation in root.get("aria-label")
        assert re.fullmatch(r"[A-Za-z0-9][\w.~-]{0,200}\.svg", file)


def test_names_of_all_kinds_have_files_of_their_own(toy, tmp_path):
    found = dict(badges(odd_boards(toy)["names"]))
    assert len(found) == len(NAMES)
    for file, svg in found.items():
        (tmp_path / file).write_text(svg, "utf-8")
    assert len(list(tmp_path.iterdir())) == len(NAMES)
    titles = " ".join(words(svg)[1] for svg in found.values())
    assert "y" * 300 in titles
    assert "<script>" in titles
    assert "[U+202E]" in titles
    assert "tab new line[U+0007]" in titles


def test_the_text_lies_in_its_half(toy):
    for _, svg in badges(board_of(toy, by_hand())):
        root = parse(svg)
        left = float(re.search(r"H([\d.]+)", next(root.iter(f"{SVG}path")).get("d"))[1])
        first, second = root.iter(f"{SVG}text")
        assert float(first.get("x")) + float(first.get("textLength")) <= left
        assert float(second.get("x")) >= left
        end = float(second.get("x")) + float(second.get("textLength"))
        assert end <= float(root.get("width"))


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=60))
def test_widths_are_those_of_a_font(text):
    font = FT2Font(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")
    units = [font.load_char(ord(c), flags=LoadFlags.NO_SCALE).horiAdvance for c in text]
    assert text_width(text) == pytest.approx(11 * sum(units) / 2048, abs=0.26 * len(text))


@pytest.mark.parametrize("colour", ["#444444", LEAD, RANKED, OTHER])
def test_white_on_each_colour_has_the_contrast_of_wcag(colour):
    def linear(value):
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5))
    assert 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) > 4.5


def test_wide_and_combining_characters():
    assert text_width("\u4e2d\u6587") == 22.0
    assert text_width("e\u0301") == text_width("e")
