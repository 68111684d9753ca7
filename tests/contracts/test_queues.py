"""What every queue promises, whoever does the work."""

import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import pytest

from builder.queue import InlineQueue, QueueDown, RqQueue, Ticket
from tests.support import need


@pytest.fixture(scope="module")
def redis_socket():
    need.program("redis-server")
    directory = Path(tempfile.mkdtemp(prefix="packhouse-redis-"))
    socket = directory / "s"
    line = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--save", ""]
    process = subprocess.Popen([*line, "--dir", str(directory)], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while not RqQueue.from_url(f"unix://{socket}").ping():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield f"unix://{socket}"
    process.terminate()
    process.wait()
    shutil.rmtree(directory)


@pytest.fixture(params=["inline", "rq"])
def queue(request):
    if request.param == "inline":
        done = []
        yield InlineQueue(lambda *a: done.append(a), lambda *a: done.append(a))
        return
    url = request.getfixturevalue("redis_socket")
    queue = RqQueue.from_url(url)
    queue.connection.flushall()
    yield queue
    queue.connection.close()


def test_what_is_queued_is_held(queue):
    queue.enqueue(7, 2, "x86_64", "high")
    queue.enqueue_source(3, 1)

    assert dict(queue.held()) == {
        Ticket("job", 7, 2): "queued",
        Ticket("source", 3, 1): "queued",
    }


def test_a_ticket_is_queued_once(queue):
    for _ in range(3):
        queue.enqueue(7, 1, "x86_64")

    assert queue.depth("x86_64") == 1


def test_another_attempt_is_another_ticket(queue):
    queue.enqueue(7, 1, "x86_64")
    queue.enqueue(7, 2, "x86_64")

    assert queue.depth("x86_64") == 2


def test_depth_counts_one_architecture(queue):
    queue.enqueue(1, 1, "x86_64", "low")
    queue.enqueue(2, 1, "x86_64", "high")
    queue.enqueue(3, 1, "aarch64")
    queue.enqueue_source(4)

    assert (queue.depth("x86_64"), queue.depth("aarch64"), queue.depth("s390x")) == (2, 1, 0)


def test_stop_drops_what_waits(queue):
    queue.enqueue(7, 1, "x86_64")
    queue.enqueue(7, 2, "x86_64")
    queue.enqueue(70, 1, "x86_64")
    queue.enqueue_source(7)

    assert queue.stop(7, attempt=1)
    assert queue.stop(7)
    assert not queue.stop(7)
    assert set(queue.held()) == {Ticket("job", 70, 1), Ticket("source", 7, 0)}
    assert queue.stop(7, source=True)


def test_a_stopped_ticket_can_be_queued_again(queue):
    queue.enqueue(7, 1, "x86_64")
    queue.stop(7)
    queue.enqueue(7, 1, "x86_64")

    assert queue.depth("x86_64") == 1


def test_a_wake_up_before_the_wait_is_not_lost(queue):
    queue.wake()
    queue.wake()

    assert queue.wait(5)
    assert not queue.wait(0.01)


def test_it_answers(queue):
    assert queue.ping()


def test_a_wait_ends_with_the_wake_up_of_another_thread(redis_socket):
    queue = RqQueue.from_url(redis_socket)
    queue.connection.flushall()
    timer = threading.Timer(0.1, queue.wake)
    timer.start()

    started = time.monotonic()
    assert queue.wait(10)
    assert time.monotonic() - started < 5
    timer.join()
    queue.connection.close()


def test_a_ticket_lost_by_a_dying_worker_is_queued_again(redis_socket):
    queue = RqQueue.from_url(redis_socket)
    queue.connection.flushall()
    queue.enqueue(7, 1, "x86_64")
    # A worker took it off the list and died before it started: only the hash is left.
    queue.connection.delete("rq:queue:packhouse:x86_64:default")
    assert not queue.held()

    queue.enqueue(7, 1, "x86_64")

    assert queue.depth("x86_64") == 1
    queue.connection.close()


def test_a_queue_that_is_down_says_so(tmp_path):
    queue = RqQueue.from_url(f"unix://{tmp_path}/none")

    queue.wake()
    assert not queue.ping()
    assert not queue.wait(0.01)
    assert not queue.stop(1)
    for ask in (lambda: queue.enqueue(1, 1, "x86_64"), queue.held, lambda: queue.depth("x")):
        with pytest.raises(QueueDown):
            ask()


def test_inline_work_is_done_by_the_waiting_process_in_order_of_priority():
    done = []
    queue = InlineQueue(lambda *a: done.append(("job", *a)), lambda *a: done.append(("src", *a)))
    queue.enqueue(1, 1, "x86_64", "low")
    queue.enqueue(2, 1, "x86_64", "default")
    queue.enqueue_source(3, 1, "high")

    assert done == []
    assert queue.wait(0)
    assert done == [("src", 3, 1), ("job", 2, 1), ("job", 1, 1)]
