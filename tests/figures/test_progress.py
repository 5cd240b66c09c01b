"""Progress in a log: rate, time left, and no flood of lines."""

from types import SimpleNamespace

import pytest

from normtheory.figures import progress


@pytest.mark.parametrize(("seconds", "words"), [(12.4, "12 s"), (600, "10 min"), (9000, "2.5 h")])
def test_durations_in_words(seconds, words):
    assert progress.in_words(seconds) == words


def test_lines_tell_rate_and_time_left_and_come_now_and_then(monkeypatch, capsys):
    clock = iter([0.0, 0.0, 5.0, 5.0, 30.0, 30.0, 31.0, 31.0, 60.0, 60.0])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with progress.reported() as report:
        for finished in (10, 11, 14, 15, 20):
            report(finished, 20, "cells")
    lines = capsys.readouterr().err.splitlines()
    # What was there before the start does not count into the rate: 4 in 30 s.
    assert lines == ["10/20 cells", "14/20 cells, 8.0 a minute, about 45 s left", "20/20 cells"]


def test_another_piece_of_work_has_a_rate_of_its_own(monkeypatch, capsys):
    clock = iter([0.0, 0.0, 300.0, 300.0, 301.0, 301.0, 311.0, 311.0])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with progress.reported() as report:
        for finished, total, what in ((0, 50, "cells"), (50, 50, "cells"), (0, 20, "lines"), (10, 20, "lines")):
            report(finished, total, what)
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["0/50 cells", "50/50 cells", "10/20 lines, 60.0 a minute, about 10 s left"]


def test_the_bar_of_a_terminal_goes_to_its_end(monkeypatch, capsys):
    from rich.console import Console

    monkeypatch.setattr(Console, "is_terminal", property(lambda self: True))
    with progress.reported() as report:
        report(1, 3, "cells")
        report(3, 3, "cells")
    assert "3/3" in capsys.readouterr().err
