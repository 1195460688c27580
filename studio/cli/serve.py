"""`python studio.py`: the page until Ctrl+C."""

from __future__ import annotations

import signal
import threading

from studio import settings as configuration
from studio.engine.accounts import Accounts
from studio.engine.studio import Studio
from studio.settings import Settings


def serve(studio: Studio, accounts: Accounts, settings: Settings, *, open_browser: bool) -> int:
    """Open the page and stay. The worker warms up meanwhile in a process of its own."""
    temporary = settings.data / "temporary"
    configuration.quieten(temporary)
    print("Starting the studio …", flush=True)
    studio.open()
    try:
        from studio.ui.app import build, launch  # Gradio takes two seconds to import: the worker is on its way by now

        page = launch(
            build(studio, accounts),
            accounts,
            host=settings.host,
            port=settings.port,
            temporary=temporary,
            open_browser=open_browser,
        )
        print(
            f"The studio is open at {page.url}\nPictures are kept in {settings.outputs}\nPress Ctrl+C to close it.",
            flush=True,
        )
        _wait_for_the_end()
        print("Closing. What is still in the queue goes on at the next start.", flush=True)
        page.close()
    finally:
        studio.close()
    return 0


def _wait_for_the_end() -> None:
    over = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: over.set())
    over.wait()
