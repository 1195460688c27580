"""The durable queue: DBOS Transact on an SQLite file (https://docs.dbos.dev).

What waits in DBOS is a *ticket*: "take the next job". The order of jobs, their states and their history are rows of the
job store, so reordering, pausing and cancelling never touch a running workflow; DBOS sees to it that a ticket taken by a
worker that died is taken up again where it was, step by step. A ticket too many finds nothing to do and ends.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dbos import DBOSClient

QUEUE = "device"
WORKFLOW = "take_next_job"
JOB_FORMAT = "job-1"
"""DBOS's application version. A code change must not strand queued tickets: raise it only with the steps below."""
POLL = 0.1
"""Seconds between a waiting worker's looks at the queue: 0.05 cost an idle worker 6 % of a core, this 3 %."""
log = logging.getLogger("studio.queue")


def url(data: Path) -> str:
    """The queue's database inside the data folder."""
    return f"sqlite:///{(data / 'queue.sqlite').as_posix()}"


def prepare(data: Path) -> None:
    """Make or mend the queue's database. The jobs stand in the job store, so a damaged queue made anew loses nothing.

    It gets a write-ahead log, which DBOS does not ask for: with SQLite's older journal a process that is killed in
    mid-write leaves a rollback for which all readers must be away, and DBOS waits 30 seconds for that and more.
    """
    from dbos import DBOS
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DatabaseError

    logging.getLogger("dbos").setLevel(logging.ERROR)
    try:
        DBOS.migrate(url(data))
    except DatabaseError:
        log.exception("the queue was damaged and is made anew")
        for file in data.glob("queue.sqlite*"):
            file.replace(file.with_name(f"damaged-{file.name}"))
        DBOS.migrate(url(data))
    engine = create_engine(url(data))
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    engine.dispose()


class Tickets:
    """The studio's light side of the queue. Until it is open, `enqueue` does nothing: opening hands out what is due."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._client: DBOSClient | None = None

    @property
    def is_open(self) -> bool:
        return self._client is not None

    def open(self) -> None:
        """Connect to the queue that a worker has prepared."""
        from dbos import DBOSClient, DBOSPortableJSONSerializer

        logging.getLogger("dbos").setLevel(logging.ERROR)
        self._client = DBOSClient(
            system_database_url=url(self._data), serializer=DBOSPortableJSONSerializer(), application_name="studio"
        )

    def enqueue(self, count: int = 1) -> None:
        """Put `count` tickets into the queue."""
        client = self._client
        if client is not None:
            for _ in range(count):
                client.enqueue({"workflow_name": WORKFLOW, "queue_name": QUEUE, "app_version": JOB_FORMAT})

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.destroy()


class Consumer:
    """The worker's side: runs `claim`, then `make`, then `keep` for each ticket, each a checkpoint of its own.

    `claim() -> job id or ""`, `make(job id) -> True if pictures are held`, `keep(job id)`.
    """

    def __init__(
        self, data: Path, worker: str, claim: Callable[[], str], make: Callable[[str], bool], keep: Callable[[str], None]
    ) -> None:
        self._data, self._worker = data, worker
        self._claim, self._make, self._keep = claim, make, keep

    def start(self) -> None:
        """Begin to take tickets, first those this worker held when it last died."""
        from dbos import DBOS, DBOSPortableJSONSerializer

        prepare(self._data)
        DBOS(
            config={
                "name": "studio",
                "system_database_url": url(self._data),
                "serializer": DBOSPortableJSONSerializer(),
                "executor_id": self._worker,
                "application_version": JOB_FORMAT,
                "log_level": "ERROR",
                "console_log_level": "ERROR",
            }
        )

        def take_next_job() -> None:
            job = DBOS.run_step({"name": "claim"}, self._claim)
            if job and DBOS.run_step({"name": "make"}, self._make, job):
                DBOS.run_step({"name": "keep"}, self._keep, job)

        DBOS.workflow(name=WORKFLOW)(take_next_job)
        DBOS.launch()
        DBOS.register_queue(QUEUE, worker_concurrency=1, polling_interval_sec=POLL)
        self._forget_used_tickets()

    def _forget_used_tickets(self) -> None:
        from dbos import DBOS

        used = DBOS.list_workflows(status=["SUCCESS", "ERROR", "CANCELLED"], load_input=False, load_output=False)
        if used:
            DBOS.delete_workflows([ticket.workflow_id for ticket in used])

    def stop(self, patience: int = 0) -> None:
        """Stop taking tickets; wait at most `patience` seconds for a running one, which goes on at the next start."""
        from dbos import DBOS

        DBOS.destroy(workflow_completion_timeout_sec=patience)
