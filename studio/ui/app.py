"""The page: one header, the tabs' forms on the left, the desk with the pictures and the queue beside them."""

from __future__ import annotations

import hmac
import secrets
import shutil
import socket
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder
from starlette.middleware import Middleware

from studio.core.errors import InvalidRequest
from studio.core.request import TASKS
from studio.ui import icons
from studio.ui.desk import Desk
from studio.ui.guard import LOOPBACK, LocalOnly
from studio.ui.ports import Studio
from studio.ui.tabs import Page, tabs
from studio.ui.theme import theme
from studio.ui.thumbs import Thumbs

HERE = Path(__file__).parent
FIRST_PORT, PORTS = 7860, 100
MAX_UPLOAD = "256mb"
SCRIPTS = ("stage.js", "studio.js", "share.js")
STYLES = ("studio.css", "stage.css", "easel.css", "verify.css", "settings.css", "review.css")


def build(studio: Studio) -> gr.Blocks:
    """The whole page for one studio. Kept files are served from where they lie, byte for byte."""
    thumbs = Path(get_upload_folder()).absolute() / "thumbs"
    folders = {preset.picture.parent for preset in studio.presets() if preset.picture}
    gr.set_static_paths([studio.outputs, studio.source_folder, thumbs, *sorted(folders)])
    desk = Desk(studio, Thumbs(thumbs), takers=tuple((tab.NAME, tab.TITLE) for tab in tabs() if tab.TAKES))
    beside: list[Any] = []
    restores: list[tuple[Callable[[], dict[Any, Any]], list[Any]]] = []
    with gr.Blocks(title="Studio", analytics_enabled=False, fill_width=True) as blocks:
        gr.HTML(_header(studio), elem_id="top")
        view = _view(desk)
        makers = tuple((tab.NAME, tab.TITLE) for tab in tabs() if tab.NAME in TASKS)
        page = Page(studio, desk, view, lambda restore, outputs: restores.append((restore, outputs)), beside.append, makers)
        with gr.Row(elem_id="room"):
            with gr.Column(elem_id="forms"), gr.Tabs():
                for tab in tabs():
                    with gr.Tab(tab.TITLE, elem_id=f"tab-{tab.NAME}") as opened:
                        tab.build(replace(page, tab=opened))
            with gr.Column(elem_id="view"):
                view.render()
                for component in beside:
                    component.render()

        def restore() -> dict[Any, Any]:
            """One answer for all tabs when a page opens."""
            changes = {component: change for restore, _ in restores for component, change in restore().items()}
            return {**changes, view: gr.HTML(notice={"turn": secrets.token_hex(4), "restored": True})}

        shown = [component for _, outputs in restores for component in outputs]
        blocks.load(restore, None, [*shown, view], queue=False, show_progress="hidden", api_visibility="private")
    return blocks


def _header(studio: Studio) -> str:
    worker = '<span id="worker" role="status" data-state="starting">Starting the engine…</span>'
    version = f'<small class="version">{studio.version}</small>'
    return f'<header class="top"><span class="name">{icons.MARK}<b>Studio</b></span>{worker}{version}</header>'


def _view(desk: Desk) -> Any:
    """The desk's markup and script. `notice` carries the answer of a form: the job it made, or what is wrong."""

    def live(seen: dict[str, str]) -> dict[str, Any]:
        return desk.news(seen)

    def act(what: dict[str, Any]) -> str:
        return desk.act(what)

    def details(id: str) -> str:
        return desk.details(id)

    def difference(id: str) -> dict[str, str]:
        return desk.difference(id)

    def copy_for_others(asked: dict[str, Any]) -> dict[str, Any]:
        return desk.share(asked)

    return gr.HTML(
        html_template=(HERE / "desk.html").read_text("utf-8"),
        js_on_load="\n".join((HERE / name).read_text("utf-8") for name in SCRIPTS),
        server_functions=[live, act, details, difference, copy_for_others],
        apply_default_css=False,
        notice={},
        elem_id="desk",
        render=False,
    )


@dataclass(frozen=True)
class LaunchedPage:
    """A page that answers at `url` until it is closed."""

    url: str
    close: Callable[[], None]


def launch(
    studio: Studio, blocks: gr.Blocks, *, host: str, port: int, password: str, temporary: Path, open_browser: bool
) -> LaunchedPage:
    """Serve the page without waiting for it. Port 0 is 7860 or the next free one.

    Any host but loopback needs a password, and then answers under that host's names only. Raises `InvalidRequest`.
    """
    if host not in LOOPBACK and not password:
        raise InvalidRequest(f"The page would be open to everyone who reaches {host}. Set STUDIO_PASSWORD and start again.")
    number = _port(host, port)
    _sweep(temporary)
    blocks.queue(api_open=False, default_concurrency_limit=None).launch(
        server_name=host,
        server_port=number,
        prevent_thread_lock=True,
        quiet=True,
        share=False,
        inbrowser=False,
        auth=(lambda name, given: hmac.compare_digest(given.encode(), password.encode())) if password else None,
        auth_message="Any name will do; the password is the one this studio was started with.",
        app_kwargs={"middleware": [Middleware(LocalOnly, hosts=_names(host))], "openapi_url": None},
        run_history=False,
        enable_monitoring=False,
        footer_links=[],
        max_file_size=MAX_UPLOAD,
        ssr_mode=False,
        favicon_path=HERE / "mark.svg",
        theme=theme(),
        css_paths=[HERE / name for name in STYLES],
        show_error=True,
    )
    shown = {"0.0.0.0": "127.0.0.1", "::": "127.0.0.1", "::1": "[::1]"}.get(host, host)  # noqa: S104  shown, not bound
    address = f"http://{shown}:{number}/"
    if open_browser:
        webbrowser.open(address)
    return LaunchedPage(address, lambda: blocks.close(verbose=False))


def _port(host: str, port: int) -> int:
    """The asked port, or the first free one from 7860 on."""
    wanted = [port] if port else range(FIRST_PORT, FIRST_PORT + PORTS)
    for number in wanted:
        if _is_free(host, number):
            return number
    where = f"Port {port} is taken" if port else f"The ports {FIRST_PORT} to {FIRST_PORT + PORTS - 1} are taken"
    raise InvalidRequest(f"{where}. Close the other program, or start with --port and another number.", "port")


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _names(host: str) -> list[str]:
    """The names under which a page on `host` may be asked for besides loopback's."""
    if host in LOOPBACK:
        return []
    own = socket.gethostname()
    try:
        addresses = socket.gethostbyname_ex(own)[2]
    except OSError:
        addresses = []
    return [host, own, f"{own}.local", *addresses]


def _sweep(folder: Path) -> None:
    """Empty the private temporary folder: what an earlier run left there is nobody's."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
