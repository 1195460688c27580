"""What is kept: jobs, drafts, pictures and their records. The only SQL, and the only writer into `outputs/`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.library.audit import SqliteAudit
from studio.library.calibrations import CalibrationFiles
from studio.library.database import Database
from studio.library.drafts import SqliteDrafts
from studio.library.erasure import PersonErasure
from studio.library.gallery import SqliteGallery
from studio.library.grids import SqliteGrids
from studio.library.jobs import SqliteJobs
from studio.library.keep import PictureKeeper
from studio.library.prompts import SqlitePrompts
from studio.library.receipts import ReceiptFiles
from studio.library.records import SqliteRecords
from studio.library.reindex import Reader, Reindexed, reindex
from studio.library.reviews import SqliteReviews
from studio.library.sources import SourceFiles
from studio.library.statistics import SqliteStatistics
from studio.library.trash import TrashFolder
from studio.library.usage import SqliteUsage


@dataclass(frozen=True)
class Library:
    """All stores on one data folder and one outputs folder. A context manager; safe across threads and processes."""

    outputs: Path
    database: Database
    jobs: SqliteJobs
    drafts: SqliteDrafts
    records: SqliteRecords
    sources: SourceFiles
    receipts: ReceiptFiles
    keeper: PictureKeeper
    calibrations: CalibrationFiles
    audit: SqliteAudit
    reviews: SqliteReviews
    statistics: SqliteStatistics
    trash: TrashFolder
    erasure: PersonErasure
    usage: SqliteUsage
    prompts: SqlitePrompts
    grids: SqliteGrids
    gallery: SqliteGallery

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.database.close()

    def reindex(self, read: Reader) -> Reindexed:
        """Bring the records in line with the files under `outputs`."""
        return reindex(self.outputs, self.records, read)


def open_library(data: Path, outputs: Path) -> Library:
    """Open, or begin, the library of a studio. Raises `LibraryError` with a sentence."""
    database = Database(data)
    records = SqliteRecords(database, outputs)
    sources, receipts = SourceFiles(data, records), ReceiptFiles(data, database)
    keeper, trash, audit = (
        PictureKeeper(data, outputs, records),
        TrashFolder(data, outputs, records),
        SqliteAudit(data, database),
    )
    return Library(
        outputs=outputs,
        database=database,
        jobs=SqliteJobs(database),
        drafts=SqliteDrafts(database),
        records=records,
        sources=sources,
        receipts=receipts,
        keeper=keeper,
        calibrations=CalibrationFiles(data),
        audit=audit,
        reviews=SqliteReviews(database, records),
        statistics=SqliteStatistics(database),
        trash=trash,
        erasure=PersonErasure(
            database=database, trash=trash, keeper=keeper, receipts=receipts, sources=sources, audit=audit
        ),
        usage=SqliteUsage(database),
        prompts=SqlitePrompts(database),
        grids=SqliteGrids(database),
        gallery=SqliteGallery(data, outputs, database, records),
    )
