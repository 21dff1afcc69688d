"""Tests of numbers, names and sources as reports spell them."""

import math

import pytest

from tiltyard.report import format as fmt
from tiltyard.suite import Budget


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.0, "1.00"),
        (0.12345, "0.123"),
        (0.00012345, "1.23e-4"),
        (123.456, "123"),
        (999.6, "1000"),
        (123456.0, "1.23e5"),
        (1e100, "1.00e100"),
        (-2.5, "-2.50"),
        (math.nan, "-"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
    ],
)
def test_numbers_have_three_digits(value, text):
    assert fmt.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 s"),
        (1.5, "1.50 s"),
        (1234.0, "1230 s"),
        (0.9999, "1.00 s"),
        (0.99, "990 ms"),
        (0.0123, "12.3 ms"),
        (4.5e-5, "45.0 µs"),
        (3e-9, "3.00 ns"),
        (math.inf, "missed"),
        (math.nan, "-"),
    ],
)
def test_times_have_units(value, text):
    assert fmt.seconds(value) == text


def test_levels_are_short():
    assert [fmt.level(v) for v in (0.1, 0.05, 0.01, 1e-3, 2.5e-6, 0.0, 10.0, 1e20)] == [
        "0.1",
        "0.05",
        "0.01",
        "1e-3",
        "2.5e-6",
        "0",
        "10",
        "1e20",
    ]


def test_shares_are_percentages():
    assert [fmt.share(v) for v in (0.0, 0.9375, 1.0, math.nan)] == ["0 %", "93.8 %", "100 %", "-"]


def test_budgets_name_every_limit():
    assert fmt.budget(Budget(seconds=0.2, iterations=1)) == "0.2 s or 1 iteration"
    assert fmt.budget(Budget(cost=1000)) == "1000 weighted oracle calls"
    assert fmt.budget(Budget()) == "no limit"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("halving", [("halving", "")]),
        ("", []),
        ("doi:10.1007/s10107", [("doi:10.1007/s10107", "https://doi.org/10.1007/s10107")]),
        ("arXiv:1802.06509v2", [("arXiv:1802.06509v2", "https://arxiv.org/abs/1802.06509v2")]),
        ("https://a.b/c", [("https://a.b/c", "https://a.b/c")]),
        (
            "Dolan (doi:10.1007/s1).",
            [("Dolan (", ""), ("doi:10.1007/s1", "https://doi.org/10.1007/s1"), (").", "")],
        ),
        ("javascript:alert(1)", [("javascript:alert(1)", "")]),
    ],
)
def test_sources_are_linked(text, expected):
    assert list(fmt.links(text)) == expected


def test_slugs_are_safe_and_distinct():
    names = ["cvar", "a/b", "a b", "../x", "é" * 300, "x" * 300, "CON:", ""]
    slugs = [fmt.slug(name) for name in names]
    assert slugs[0] == "cvar"
    assert len(set(slugs)) == len(names)
    assert all(len(s) < 100 and "/" not in s and not s.startswith(".") for s in slugs)


def test_long_names_break_after_punctuation_and_are_escaped():
    assert fmt.breakable("averaged_sgm<i>") == "averaged_<wbr>sgm&lt;i&gt;"
    assert fmt.breakable("a_b<i>") == "a_b&lt;i&gt;"
