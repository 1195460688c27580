"""`python studio.py`: the page until Ctrl+C."""

from __future__ import annotations

import signal
import threading

from studio import settings as configuration
from studio.cli.window import show_window
from studio.engine.accounts import Accounts
from studio.engine.studio import Studio
from studio.settings import Settings
from studio.ui.guard import admit


def serve(studio: Studio, accounts: Accounts, settings: Settings, *, open_browser: bool, window: bool = False) -> int:
    """Open the page and stay; the worker warms up meanwhile in a process of its own.

    `window` shows the page in a window of its own, which ends the studio when it is closed.
    """
    admit(settings.host, accounts)
    temporary = settings.data / "temporary"
    configuration.quieten(temporary)
    print("Starting the studio …", flush=True)
    over = _the_end()
    studio.open()
    try:
        from studio.ui.app import build, launch  # Gradio takes two seconds to import: the worker is on its way by now

        page = launch(
            build(studio, accounts, quit=over.set),
            accounts,
            host=settings.host,
            port=settings.port,
            temporary=temporary,
            open_browser=open_browser and not window,
        )
        print(
            f"The studio is open at {page.url}\nPictures are kept in {settings.outputs}\nPress Ctrl+C to close it.",
            flush=True,
        )
        if window:
            show_window(page.url, settings.data / "window", over)
        else:
            over.wait()
        print("Closing. What is still in the queue goes on at the next start.", flush=True)
        page.close()
    finally:
        studio.close()
    return 0


def _the_end() -> threading.Event:
    """Set by Ctrl+C, by the system's wish to end us, by Quit in Settings, and by closing the window."""
    over = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: over.set())
    return over
