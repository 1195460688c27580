"""Tickets through a real DBOS on a temporary SQLite file, in processes that die."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from studio.engine.queue import Tickets, prepare

pytestmark = pytest.mark.slow
CONSUMER = """
import os, signal, sys, threading
from pathlib import Path
from studio.engine.queue import Consumer

data, dies = Path(sys.argv[1]), sys.argv[2]
log = data / "log.txt"
jobs = [f"job{n}" for n in range(1, 4)]

def say(step, job=""):
    with log.open("a") as file:
        file.write(f"{step} {job}".strip() + "\\n")
    if step == dies:
        os.kill(os.getpid(), signal.SIGKILL)

def claim():
    taken = log.read_text().count("claim") if log.exists() else 0
    say("claim")
    return jobs[taken] if taken < len(jobs) else ""

def make(job):
    say("make", job)
    return True

Consumer(data, "worker-0", claim, make, lambda job: say("keep", job)).start()
threading.Event().wait()
"""


def open_tickets(data: Path) -> Tickets:
    prepare(data)
    tickets = Tickets(data)
    tickets.open()
    return tickets


def consume(data: Path, dies: str = "") -> subprocess.Popen[bytes]:
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen([sys.executable, "-c", CONSUMER, str(data), dies], cwd=root)


def wait_for(data: Path, line: str) -> list[str]:
    log, end = data / "log.txt", time.monotonic() + 60
    while not log.exists() or line not in log.read_text().splitlines():
        assert time.monotonic() < end, log.read_text() if log.exists() else "no log"
        time.sleep(0.05)
    return log.read_text().splitlines()


@pytest.mark.parametrize(("dies", "again"), [("make", ["make job1", "make job1"]), ("keep", ["keep job1", "keep job1"])])
def test_a_ticket_whose_worker_died_goes_on_at_the_step_it_was_in(tmp_path: Path, dies: str, again: list[str]) -> None:
    tickets = open_tickets(tmp_path)
    tickets.enqueue()
    assert consume(tmp_path, dies).wait(60) == -9
    second = consume(tmp_path)
    try:
        lines = wait_for(tmp_path, "keep job1")
        if dies == "keep":
            lines = wait_for_count(tmp_path, "keep job1", 2)
    finally:
        second.kill()
        second.wait()
        tickets.close()
    assert [line for line in lines if line.startswith(dies)] == again
    assert lines.count("claim") == 1


def wait_for_count(data: Path, line: str, count: int) -> list[str]:
    end = time.monotonic() + 60
    while (lines := (data / "log.txt").read_text().splitlines()).count(line) < count:
        assert time.monotonic() < end, lines
        time.sleep(0.05)
    return lines


def test_a_surplus_ticket_does_nothing(tmp_path: Path) -> None:
    tickets = open_tickets(tmp_path)
    tickets.enqueue(5)
    worker = consume(tmp_path)
    try:
        wait_for(tmp_path, "keep job3")
        lines = wait_for_count(tmp_path, "claim", 5)
    finally:
        worker.kill()
        worker.wait()
        tickets.close()
    assert [line for line in lines if line.startswith("make")] == ["make job1", "make job2", "make job3"]


def test_nothing_in_the_queue_file_is_pickled(tmp_path: Path) -> None:
    tickets = open_tickets(tmp_path)
    tickets.enqueue()
    worker = consume(tmp_path)
    try:
        wait_for(tmp_path, "keep job1")
    finally:
        worker.kill()
        worker.wait()
        tickets.close()
    content = b"".join(file.read_bytes() for file in tmp_path.glob("queue.sqlite*"))
    assert b"take_next_job" in content
    assert b"gASV" not in content, "the start of a base64 pickle"


def test_the_queue_has_a_write_ahead_log_so_that_a_killed_writer_blocks_nobody(tmp_path: Path) -> None:
    prepare(tmp_path)
    assert (tmp_path / "queue.sqlite").read_bytes()[18:20] == b"\x02\x02", "the header's format: 2 is WAL"
