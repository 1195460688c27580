"""Composition root and command line; the only module that knows every part."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from studio import __version__, plugins
from studio import settings as configuration
from studio.cli.parser import Run, command_line
from studio.core.errors import StudioError
from studio.core.evidence import Examination
from studio.core.model import Model
from studio.core.people import Person
from studio.core.ports import Backend, Calibrations
from studio.core.publishing import Ruling
from studio.engine.accounts import Accounts
from studio.engine.press import Press
from studio.engine.process import WorkerProcess
from studio.engine.prompting import Prompting
from studio.engine.queue import Tickets
from studio.engine.scoring import Scoring
from studio.engine.shelf import Shelf
from studio.engine.studio import Studio
from studio.settings import Settings

if TYPE_CHECKING:
    from studio.engine.pipeline import Parts
    from studio.library import Library

MOST_OWN = 2000
"""Kept pictures that detectors are calibrated on, the newest ones."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. A wrong setting or request is one sentence, never a traceback."""
    arguments = command_line(RUNS).parse_args(argv)
    try:
        settings = configuration.load(
            port=getattr(arguments, "port", None), host=getattr(arguments, "host", None), offline=arguments.offline or None
        )
        return int(arguments.run(settings, arguments))
    except StudioError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _serve(settings: Settings, arguments: argparse.Namespace) -> int:
    from studio.cli.serve import serve

    with _library(settings) as library:
        accounts = open_accounts(settings, library)
        studio, opened = open_studio(settings, library), not arguments.no_browser
        return serve(studio, accounts, settings, open_browser=opened, window=arguments.window)


def _generate(settings: Settings, arguments: argparse.Namespace) -> int:
    from studio.cli.generate import generate

    return generate(open_studio(settings), arguments)


def _doctor(settings: Settings, arguments: argparse.Namespace) -> int:
    from studio.cli.doctor import doctor

    backends = plugins.backends(settings)
    models = [model for backend in backends for model in backend.models()]
    unfit = [sentence for backend in backends for sentence in backend.problems()]
    return doctor(settings, models, unfit, as_json=arguments.json)


def _providers(settings: Settings, arguments: argparse.Namespace) -> int:
    from studio.cli.providers import providers
    from studio.hosting import HostedProviders

    return providers(HostedProviders(settings, plugins.backends(settings)).statuses(), as_json=arguments.json)


def _people(settings: Settings, arguments: argparse.Namespace) -> int:
    from studio.cli.people import people

    with _library(settings) as library:
        return people(open_accounts(settings, library), arguments, configuration.new_password())


def _reindex(settings: Settings, arguments: argparse.Namespace) -> int:
    from studio.cli.reindex import reindex

    return reindex(settings, as_json=arguments.json)


def _verify(settings: Settings, arguments: argparse.Namespace) -> int:
    from studio.assembly import Marks
    from studio.cli.verify import verify

    with _library(settings) as library:
        marks, scoring = Marks(settings), open_scoring(settings, library.calibrations)
        verifying, screening = marks.verifying(library.records), marks.screening(plugins.checks(settings))

        def rule(found: Examination, data: bytes) -> Ruling | None:
            role = owner_of(settings).role
            return verifying.rule(found, role, lambda: screening.file(data, found.name, role))

        return verify(verifying, scoring, rule, arguments)


def _evaluate(settings: Settings, arguments: argparse.Namespace) -> int:
    from studio.cli.evaluate import evaluate

    with _library(settings) as library:
        scoring = open_scoring(settings, library.calibrations)
        return evaluate(scoring, library.records.recent(arguments.limit), _is_ours, arguments)


def _calibrate(settings: Settings, arguments: argparse.Namespace) -> int:
    from studio.cli.evaluate import calibrate

    with _library(settings) as library:
        scoring = open_scoring(settings, library.calibrations)
        return calibrate(scoring, library.records.recent(MOST_OWN), _is_ours, arguments)


def _models(settings: Settings, arguments: argparse.Namespace) -> int:
    from studio.cli.models import models
    from studio.collecting import open_collection, open_follow

    with _library(settings) as library:
        collection = open_collection(settings, plugins.backends(settings), library)
        return models(collection, open_follow(settings, library), owner_of(settings), arguments)


def _audit(settings: Settings, arguments: argparse.Namespace) -> int:
    from studio.cli.audit import audit

    with _library(settings) as library:
        return audit(library.audit, owner_of(settings).name, arguments)


def _erase(settings: Settings, arguments: argparse.Namespace) -> int:
    from studio.cli.audit import erase

    with _library(settings) as library:
        return erase(library.erasure, owner_of(settings).name, arguments)


def _report(settings: Settings, arguments: argparse.Namespace) -> int:
    from studio.cli.report import report

    return report(open_studio(settings), arguments)


def _is_ours(data: bytes) -> bool:
    from studio.assembly import is_ours

    return is_ours(data)


def _library(settings: Settings) -> Library:
    from studio.library import open_library

    settings.outputs.mkdir(parents=True, exist_ok=True)
    return open_library(settings.data, settings.outputs)


def owner_of(settings: Settings) -> Person:
    """Who acts where nobody signs in. The operating system's name for them stands in no file: it was not chosen for that."""
    return Person(settings.user) if settings.user else Person(configuration.system_user(), in_files=False)


def open_accounts(settings: Settings, library: Library) -> Accounts:
    """The accounts, and one more admin in memory if the studio is started with a password."""
    from studio.library.people import SqlitePeople

    operator = (settings.user or "admin", settings.password) if settings.password else None
    return Accounts(SqlitePeople(library.database, operator=operator), owner_of(settings), library.audit)


def open_studio(settings: Settings, library: Library | None = None) -> Studio:
    """The studio with its real parts, not yet started: `open()` starts the worker, `close()` ends it."""
    from studio.assembly import Marks
    from studio.collecting import TOKEN, open_collection
    from studio.hosting import HostedProviders, hosted_of
    from studio.library.presets import PresetFolder
    from studio.wording import WordFolder

    library = library or _library(settings)
    backends, marks = plugins.backends(settings), Marks(settings)
    provider_keys = tuple(name for backend in hosted_of(backends) for name in backend.about.keys)
    others = tuple(name for name in configuration.KEYS if name != TOKEN)
    _log_to(settings.data / "logs" / "studio.log")
    presets = PresetFolder(settings.presets, settings.data / "presets")
    for fault in presets.faults():
        logging.getLogger("studio").warning(fault)
    return Studio(
        backends=backends,
        shelf=Shelf(
            jobs=library.jobs,
            records=library.records,
            drafts=library.drafts,
            sources=library.sources,
            receipts=library.receipts,
            presets=presets,
            audit=library.audit,
            reviews=library.reviews,
            statistics=library.statistics,
            trash=library.trash,
            erasure=library.erasure,
            grids=library.grids,
            keep_sheet=Press(lambda: marks.stamps(None, library.sources), library.keeper),
            gallery=library.gallery,
            keeper=library.keeper,
            outputs=settings.outputs,
        ),
        tickets=Tickets(settings.data),
        outputs=settings.outputs,
        verifying=marks.verifying(library.records),
        screening=marks.screening(plugins.checks(settings)),
        version=__version__,
        owner=owner_of(settings),
        worker=lambda heard: _worker_process(settings, heard, "_worker", provider_keys),
        hosted=lambda heard: _worker_process(settings, heard, "_hosted", ()),
        hosting=HostedProviders(settings, backends, plugins.detectors(settings)),
        collection=open_collection(
            settings, backends, library, lambda heard: _worker_process(settings, heard, "_downloads", others)
        ),
        prompting=Prompting(WordFolder(settings.presets), library.prompts),
        fingerprint=lambda model: _fingerprint(backends, model),
    )


def _fingerprint(backends: Sequence[Backend], model: Model) -> str:
    """The SHA-256 of a local model's file; empty for hosted ones."""
    from studio.backends.local import LocalBackend

    return next((each.fingerprint(model) for each in backends if isinstance(each, LocalBackend)), "")


def _worker_process(
    settings: Settings, heard: Callable[[dict[str, Any]], None], command: str, without: tuple[str, ...]
) -> WorkerProcess:
    """One of our worker processes, without the keys that are none of its business."""
    from studio.backends.local import worker_environment

    environment = {
        **configuration.child_environment(without=without),
        **worker_environment(settings.threads),
        "STUDIO_DATA": str(settings.data),
        "STUDIO_OUTPUTS": str(settings.outputs),
        "STUDIO_MODELS": str(settings.models),
        "STUDIO_OFFLINE": "1" if settings.offline else "0",  # our own quiet environment has the hub offline always
    }
    log = settings.data / "logs" / f"{command.strip('_')}.log"
    return WorkerProcess([sys.executable, "-m", "studio", command], environment, log, heard)


def _work(settings: Settings, _: argparse.Namespace) -> int:
    """The worker process of the device."""
    from studio.backends.local import LocalBackend
    from studio.engine.answers import answers
    from studio.engine.pipe import Pipe
    from studio.engine.worker import Worker

    out = _child_process()
    library, scoring, parts = _worker_parts(settings)
    local = next(backend for backend in parts.backends if isinstance(backend, LocalBackend))
    pipe = Pipe(settings.data, answers(scoring, library.records, _is_ours, parts.screening), out)
    Worker("worker-0", settings.data, parts, library.jobs, pipe, describe=local.describe_device, warm=local.warm_models).run(
        sys.stdin
    )
    return 0


def _work_hosted(settings: Settings, _: argparse.Namespace) -> int:
    """The worker process that calls providers; the only one that reads their keys."""
    from studio.engine.hosted import DIED, HostedWorker
    from studio.engine.pipe import Pipe
    from studio.engine.running import Running
    from studio.hosting import hosted_of

    out = _child_process()
    library, _scoring, parts = _worker_parts(settings, stamping=threading.Lock())
    backends = {backend.name: backend for backend in hosted_of(parts.backends)}
    pipe = Pipe(settings.data, {"test_key": lambda asked, _: backends[asked["provider"]].test()}, out)
    running = Running(settings.data, parts, library.jobs, pipe.emit, died=DIED, begin="waiting")
    HostedWorker(
        "hosted-0", settings.data, running, library.jobs, pipe,
        at_once=lambda: {name: backend.limit().at_once for name, backend in backends.items()},
        is_sending=lambda: any(backend.is_sending for backend in backends.values()),
    ).run(sys.stdin)  # fmt: skip
    return 0


def _work_downloads(settings: Settings, _: argparse.Namespace) -> int:
    """The process that downloads models; the only one of ours that asks the hub for files."""
    from studio.collecting import serve_downloads

    out = _child_process()
    with _library(settings) as library:
        serve_downloads(settings, library, out)
    return 0


def _child_process() -> TextIO:
    """The pipe to the studio is the standard output; whatever a library prints goes to the log."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the whole group; the studio decides when we end
    out, sys.stdout = sys.stdout, sys.stderr
    logging.basicConfig(level=logging.WARNING)
    return out


def _worker_parts(settings: Settings, **more: Any) -> tuple[Library, Scoring, Parts]:
    from studio.assembly import Marks
    from studio.engine.pipeline import Parts
    from studio.library import open_library

    library = open_library(settings.data, settings.outputs)
    scoring = open_scoring(settings, library.calibrations)
    marks = Marks(settings)
    parts = Parts(
        backends=plugins.backends(settings),
        keeper=library.keeper,
        sources=library.sources,
        receipts=library.receipts,
        audit=library.audit,
        screening=marks.screening(plugins.checks(settings)),
        stamps=marks.stamps(scoring, library.sources),
        facts={"studio": __version__},
        **more,
    )
    return library, scoring, parts


def open_scoring(settings: Settings, calibrations: Calibrations) -> Scoring:
    """The detectors with their calibrations, for the process they run in."""
    enabled = tuple(name.strip() for name in settings.detectors.split(",") if name.strip())
    return Scoring(detectors=plugins.detectors(settings), calibrations=calibrations, enabled=enabled)


def _log_to(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(path, maxBytes=1_000_000, backupCount=2, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger("studio").addHandler(handler)


RUNS: dict[str, Run] = {
    "serve": _serve, "generate": _generate, "doctor": _doctor, "reindex": _reindex, "verify": _verify,
    "evaluate": _evaluate, "calibrate": _calibrate, "audit": _audit, "erase": _erase, "providers": _providers,
    "people": _people, "models": _models, "report": _report,
    "_worker": _work, "_hosted": _work_hosted, "_downloads": _work_downloads,
}  # fmt: skip
"""Every command with what runs it; those with a line in front are the studio's own processes."""
