"""Series of one's own: one line runs a method, and a bad file costs one line and exit code 2."""

HOURS = "".join(
    f"2024-01-{d:02} {h:02}:00,{h % 12 + d % 3},{(h * 7 + d) % 5}\n"
    for d in range(1, 15)
    for h in range(24)
)


def test_one_line_runs_a_method_and_another_shows_the_board(tiltyard, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sales.csv").write_text("time,north,south\n" + HOURS)
    name = "own-series[file=sales.csv,horizon=24]"
    done = tiltyard("run", "forecasting", "-p", name, "-i", "seasonal_naive")
    assert done.returncode == 0, done.stderr
    board = tiltyard("leaderboard", "forecasting", "--track", "rolling")
    assert board.returncode == 0, board.stderr
    assert "seasonal_naive" in board.stdout


def test_a_bad_file_costs_one_line_and_exit_code_2(tiltyard, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sales.csv").write_text("time,a\n2024-01-01,1\n2024-01-01,2\n")
    done = tiltyard("run", "forecasting", "-p", "own-series[file=sales.csv]")
    assert done.returncode == 2, done.stdout
    assert "sales.csv, line 3: the time 2024-01-01T00:00:00 is that of line 2" in done.stderr
    assert done.stderr.count("\n") == 1
