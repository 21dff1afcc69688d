"""Tests of leaderboards as LaTeX: structure, escaping, digits; compiled where TeX is there."""

import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odd_boards import ENVIRONMENTS, NAMES, ODD, board_of, named, odd_boards
from toy_store import MINUS, PLUS, by_hand

from tiltyard.report.latex import leaderboard_latex
from tiltyard.report.tex import breakable, escape, quantity

SPELLED = {
    r"\textbackslash{}": "\\", r"\textasciitilde{}": "~", r"\textasciicircum{}": "^",
    r"\textless{}": "<", r"\textgreater{}": ">", r"\textbar{}": "|", r"\textasciigrave{}": "`",
    r"{\ttfamily\char34}": '"', r"\{": "{", r"\}": "}", r"\$": "$", r"\&": "&", r"\#": "#",
    r"\%": "%", r"\_": "_", "-{}": "-", "'{}": "'", ",{}": ",",
}  # fmt: skip
"""What TeX sets for each command, by the LaTeX Companion, not by the module under test."""


def read(tex):
    """Return the text that TeX would set, for escaped ASCII."""
    pattern = "|".join(map(re.escape, SPELLED)) + "|."
    return "".join(SPELLED.get(token, token) for token in re.findall(pattern, tex))


def cells(tex):
    """Return the cells of every row of a table, and its number of columns."""
    body = re.search(r"\\toprule\n(.*)\\bottomrule", tex, re.DOTALL)[1]
    lines = [line for line in map(str.strip, body.splitlines()) if line not in ("", r"\midrule")]
    assert all(line.endswith(r" \\") for line in lines)
    columns = re.search(r"\\begin\{tabular\}\{@\{\}(\w+)@\{\}\}", tex)[1]
    return [re.split(r" (?<!\\)& ", line.removesuffix(r" \\")) for line in lines], len(columns)


def by_name(tex):
    rows, _ = cells(tex)
    return {row[1]: row for row in rows}


@pytest.mark.parametrize("what", ODD)
def test_every_board_is_a_balanced_table(toy, what):
    tex = leaderboard_latex(odd_boards(toy)[what], ENVIRONMENTS)
    assert tex.isascii()
    assert re.findall(r"\\(begin|end)\{(\w+)\}", tex) == [
        ("begin", "table"), ("begin", "tabular"), ("end", "tabular"), ("end", "table"),
    ]  # fmt: skip
    rows, columns = cells(tex)
    assert len(rows) == 1 + len(odd_boards(toy)[what].rows)
    assert {len(row) for row in rows} == {columns}
    bare = re.sub(r"\\[{}]", "", tex)
    assert bare.count("{") == bare.count("}")
    (label,) = re.findall(r"\\label\{(.*)\}", tex)
    assert re.fullmatch(r"tab:tiltyard-[\w.-]+", label)


@given(st.text(st.characters(max_codepoint=126, min_codepoint=32)))
def test_escaped_ascii_reads_back(text):
    assert read(escape(text)) == " ".join(text.split())
    assert read(breakable(text).replace(r"\allowbreak{}", "")) == " ".join(text.split())


@given(st.text(max_size=50))
def test_nothing_of_a_text_is_a_command(text):
    tex = escape(text)
    assert tex.isascii()
    assert tex.isprintable()
    rest = re.sub(r"\\[{}$&#%_]|\\['`^~\"=.](?=\{)|\\[A-Za-z]+", "", tex)
    assert not set(rest) & set("\\$&#%_~^")
    assert rest.count("{") == rest.count("}")


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("spl_plus", r"spl\_plus"),
        ("50 % & more", r"50 \% \& more"),
        ("Moré", r"Mor\'{e}"),
        ("e\u0301", r"\'{e}"),  # decomposed
        ("Łukasz Øster", r"\L{}ukasz \O{}ster"),
        ("\u03bb\u2264\u221e", r"\ensuremath{\lambda}\ensuremath{\leq}\ensuremath{\infty}"),
        ("x\u00b2", r"x\textsuperscript{2}"),
        ("10 µs", r"10 \textmu{}s"),
        ("\u4e2d\U0001f600", "[U+4E2D][U+1F600]"),
        ("a\x07\u202eb", "a[U+0007][U+202E]b"),
        (" a\n\tb ", "a b"),
        ("--x", "-{}-x"),
    ],
)
def test_text(text, tex):
    assert escape(text) == tex


@pytest.mark.parametrize(
    ("spelled", "tex"),
    [
        ("0.123", "0.123"),
        ("1.23e-4", r"$1.23 \times 10^{-4}$"),
        ("1e-8", "$10^{-8}$"),
        ("-2.50", "$-2.50$"),
        ("12.3 ms", r"12.3\,ms"),
        ("45.0 µs", r"45.0\,\textmu{}s"),
        ("93.8 %", r"93.8\,\%"),
        ("missed", "missed"),
        ("failed", "failed"),
        ("∞", r"\ensuremath{\infty}"),
        ("-", "--"),
    ],
)
def test_numbers(spelled, tex):
    assert quantity(spelled) == tex


def test_long_names_can_be_broken_everywhere():
    pieces = breakable("y" * 300).split(r"\allowbreak{}")
    assert "".join(pieces) == "y" * 300
    assert max(map(len, pieces)) == 16
    assert breakable("a_b=c") == r"a\_\allowbreak{}b=\allowbreak{}c"


def test_rows_hold_what_the_board_says(toy):
    rows = by_name(leaderboard_latex(board_of(toy, by_hand()), ENVIRONMENTS))
    assert rows[r"\texttt{noisy}"][3:] == ["2/2", r"100\,\%", r"100\,\%", r"20.0\,ms", "0.00900"]
    assert rows[r"\texttt{misbehave}"][3:] == ["2/2", r"0\,\%", r"0\,\%", "missed", "failed"]
    assert rows["implementation"][4:] == [r"$\leq$ 0.1", r"$\leq$ 0.01", "to 0.01", "gap"]


def test_scores_are_rounded_to_their_standard_error(toy):
    # Ten times as slow on one problem only: credits 1 and 0.5, with a deviation of 0.5 / sqrt(2).
    records = [named("fast"), named("fast", problem=MINUS)]
    records += [named("slow"), named("slow", seconds=0.1, problem=MINUS)]
    rows = by_name(leaderboard_latex(board_of(toy, records), ENVIRONMENTS))
    assert rows[r"\texttt{fast}"][2].replace(r"\textbf{1.000}", "1.000") == r"1.000 $\pm$ 0.000"
    assert rows[r"\texttt{slow}"][2].replace(r"\textbf{0.75}", "0.75") == r"0.75 $\pm$ 0.25"


def test_one_problem_has_no_standard_error(toy):
    rows = by_name(leaderboard_latex(board_of(toy, by_hand()[::2]), ENVIRONMENTS))
    assert r"\pm" not in str(rows[r"\texttt{halve}"])


def test_bold_is_who_may_be_first(toy):
    rows = by_name(leaderboard_latex(board_of(toy, by_hand()), ENVIRONMENTS))
    bold = [name for name, row in rows.items() if row[0].startswith(r"\textbf{")]
    # Of two problems a bootstrap draws the same one twice half of the time: only who is worse on
    # both is certainly behind.
    assert r"\texttt{noisy}" in bold
    assert r"\texttt{halve}" not in bold


def test_nothing_is_bold_where_nothing_is_told_apart(toy):
    same = [named(name, problem=p) for name in "ab" for p in (PLUS, MINUS)]
    tex = leaderboard_latex(board_of(toy, same), ENVIRONMENTS)
    assert r"\textbf" not in tex
    assert tex.count("1= [1]") == 2


def test_the_caption_tells_the_conditions(toy):
    board = board_of(toy, by_hand())
    tex = leaderboard_latex(board, ENVIRONMENTS)
    assert f"hardware Toy 3000, 2 cores, 8 GiB, suite version 1, pool {board.pool}" in tex
    assert r"\label{tab:tiltyard-toy-standard}" in tex
    assert "publication" not in tex
    assert r"\textbf{smoke tier: not for publication.}" in leaderboard_latex(
        odd_boards(toy)["smoke"], ENVIRONMENTS
    )


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("one implementation", "There is one implementation only"),
        ("one problem", "There is one problem only"),
        ("all failed", "Every run failed."),
        ("all unsupported", "Every pair is unsupported."),
        ("nothing ranked", r"No implementation takes 50 \% of the problems."),
        ("nan", "No run reached any target"),
    ],
)
def test_the_caption_says_what_is_odd(toy, what, words):
    assert words in leaderboard_latex(odd_boards(toy)[what], ENVIRONMENTS)


@pytest.fixture
def compiled(tmp_path):
    """Return a function that compiles the body of a document and returns the log."""
    if not shutil.which("pdflatex") or not shutil.which("kpsewhich"):
        pytest.skip("pdflatex is not installed here")
    if subprocess.run(["kpsewhich", "booktabs.sty"], check=False).returncode:
        pytest.skip("LaTeX's package booktabs is not installed here")

    def compile_(body):
        source = tmp_path / "paper.tex"
        source.write_text(
            "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n"
            f"{body}\n\\end{{document}}\n",
            "ascii",
        )
        command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", source.name]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120, check=False)
        log = done.stdout.decode(errors="replace")  # it breaks lines within characters
        assert done.returncode == 0, log[-2000:]
        assert (tmp_path / "paper.pdf").stat().st_size > 1000
        return log

    return compile_


def test_tables_compile_with_booktabs_alone(toy, compiled):
    tables = [leaderboard_latex(board, ENVIRONMENTS) for board in odd_boards(toy).values()]
    compiled("\n\\clearpage\n".join([r"\listoftables", *tables]))


def test_a_usual_table_fits_a_page(toy, compiled):
    assert "Overfull" not in compiled(leaderboard_latex(board_of(toy, by_hand()), ENVIRONMENTS))


def test_every_escaped_character_compiles(compiled):
    ranges = ((0x20, 0x7F), (0xA0, 0x180), (0x370, 0x400), (0x2000, 0x2100), (0x2190, 0x2300))
    lines = ["".join(map(chr, range(*one))) for one in ranges]
    compiled("\n\n".join(rf"{escape(line)} \texttt{{{breakable(line)}}}" for line in lines))


def test_names_of_all_kinds_are_there(toy):
    tex = leaderboard_latex(odd_boards(toy)["names"], ENVIRONMENTS)
    for name in NAMES:
        assert escape(name) in tex or breakable(name) in tex


def test_the_same_board_gives_the_same_text(toy):
    one, two = (board_of(toy, by_hand()) for _ in range(2))
    assert leaderboard_latex(one, ENVIRONMENTS) == leaderboard_latex(two, ENVIRONMENTS)
