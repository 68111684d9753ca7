"""No two running builds of a machine share a slot."""

import os

import pytest

from builder import slots
from builder.chroots.base import ChrootBroken


def test_a_slot_is_held_until_it_is_released(tmp_path, monkeypatch):
    monkeypatch.setattr(slots, "_MACHINE", tmp_path)
    first, second = slots.acquire(tmp_path), slots.acquire(tmp_path)
    assert (first.number, second.number) == (0, 1)

    first.release()

    assert slots.acquire(tmp_path).number == 0


def test_a_slot_of_a_killed_process_is_free(tmp_path, monkeypatch):
    monkeypatch.setattr(slots, "_MACHINE", tmp_path)
    pid = os.fork()
    if pid == 0:
        slots.acquire(tmp_path)
        os.kill(os.getpid(), 9)
    os.waitpid(pid, 0)

    assert slots.acquire(tmp_path).number == 0


def test_slots_end(tmp_path, monkeypatch):
    monkeypatch.setattr(slots, "_MACHINE", tmp_path)
    monkeypatch.setattr(slots, "SLOTS", 2)
    held = [slots.acquire(tmp_path) for _ in range(2)]

    with pytest.raises(ChrootBroken, match="all build slots"):
        slots.acquire(tmp_path)
    assert len(held) == 2
