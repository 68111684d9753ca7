"""Logs grow, are read by offset, and end at their limit."""

import pytest

from builder.logs import LogWriter, read_log


@pytest.fixture
def path(tmp_path):
    return tmp_path / "1" / "1" / "_log"


def test_lines_start_with_the_elapsed_seconds(path):
    now = [100.0]
    log = LogWriter(path, limit_bytes=1000, clock=lambda: now[0])

    log.write(b"one\ntw")
    now[0] = 112.9
    log.write(b"o\n\nthr")
    log.close()

    assert read_log(path) == b"[    0s] one\n[   12s] two\n[   12s] \n[   12s] thr\n"


def test_a_reader_sees_whole_lines_while_the_log_grows(path):
    log = LogWriter(path, limit_bytes=1000, clock=lambda: 0.0)
    log.write(b"first\n")
    first = read_log(path)
    log.write(b"second\n")

    assert first == b"[    0s] first\n"
    assert read_log(path, len(first)) == b"[    0s] second\n"
    assert read_log(path, 9, 5) == b"first"
    assert read_log(path, 10_000) == b""


def test_a_log_that_does_not_exist_is_empty(path):
    assert read_log(path) == b""


def test_head_and_tail_of_a_flood_are_kept(path):
    log = LogWriter(path, limit_bytes=1000, clock=lambda: 0.0)
    answers = [log.write(b"line %d\n" % number) for number in range(20_000)]
    log.close()

    text = read_log(path)
    assert answers[0] is True
    assert answers[-1] is False
    assert text.startswith(b"[    0s] line 0\n")
    assert text.endswith(b"line 19999\n")
    assert b"bytes left out" in text
    assert len(text) < 1000 + (64 << 10) + 100


def test_a_line_without_end_is_cut(path):
    log = LogWriter(path, limit_bytes=1 << 20, clock=lambda: 0.0)
    for _ in range(3):
        log.write(b"x" * 50_000)
    log.close()

    assert read_log(path).count(b"x") == 150_000
    assert read_log(path).count(b"\n") >= 2


def test_a_log_that_goes_on_counts_what_is_there(path):
    for _ in range(2):
        log = LogWriter(path, limit_bytes=30, clock=lambda: 0.0)
        log.write(b"0123456789\n")
        log.close()

    assert len(read_log(path)) >= 30
    assert read_log(path)[:20] == b"[    0s] 0123456789\n"
