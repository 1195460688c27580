"""The page: one header, the tabs' forms on the left, the desk with the pictures and the queue beside them."""

from __future__ import annotations

import secrets
import shutil
import socket
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import gradio as gr
from gradio.utils import get_upload_folder
from starlette.middleware import Middleware

from studio.core.errors import InvalidRequest
from studio.core.request import TASKS
from studio.engine.accounts import Accounts
from studio.ui import desktop, icons, presetting, who
from studio.ui.desk import Desk
from studio.ui.guard import LOOPBACK, LocalOnly, admit
from studio.ui.installed import Installable
from studio.ui.locks import locked
from studio.ui.ports import Studio
from studio.ui.presenting import Presentation
from studio.ui.session import SignedIn, SigningIn
from studio.ui.speaking import Spoken
from studio.ui.tabs import Page, is_shown, right_of, tabs
from studio.ui.theme import theme
from studio.ui.thumbs import Thumbs
from studio.ui.wording import HISTORY, used_prompts

HERE = Path(__file__).parent
MAX_UPLOAD = "256mb"
SCRIPTS = (
    "stage.js", "who.js", "studio.js", "share.js", "wording.js", "presets.js", "desktop.js", "present.js", "tour.js",
    "bar.js",
)  # fmt: skip
STYLES = (
    "studio.css", "stage.css", "easel.css", "wardrobe.css", "verify.css", "settings.css", "review.css", "people.css",
    "models.css", "wording.css", "presets.css", "library.css", "present.css", "tour.css", "compare.css", "grid.css",
)  # fmt: skip


Restores = list[tuple[Any, Callable[[], dict[Any, Any]], list[Any]]]
"""Of each tab that has something to show when a page opens: the tab, what it shows, and where."""


def build(studio: Studio, accounts: Accounts, quit: Callable[[], None] | None = None) -> gr.Blocks:
    """The whole page for one studio. Kept files are served from where they lie, byte for byte. `quit` ends the studio."""
    thumbs = Path(get_upload_folder()).absolute() / "thumbs"
    small = Thumbs(thumbs, studio.gallery.thumbs)
    folders = [studio.presets.folder] if studio.presets.folder else []
    gr.set_static_paths([studio.outputs, studio.source_folder, *small.folders, *folders])
    if accounts.asked:
        studio = cast(Studio, who.OwnDrafts(studio))
    desk = Desk(
        studio,
        small,
        takers=tuple((tab.NAME, tab.TITLE) for tab in tabs() if tab.TAKES),
        at_home=desktop.is_owner(accounts),
    )
    beside: list[Any] = []
    restores: Restores = []
    with gr.Blocks(title="Studio", analytics_enabled=False, fill_width=True) as blocks:
        gr.HTML(_header(studio), elem_id="top")
        view = _view(desk, accounts)
        makers = tuple((tab.NAME, tab.TITLE) for tab in tabs() if tab.NAME in TASKS)
        page = Page(
            studio,
            accounts,
            desk,
            view,
            lambda *_: None,
            beside.append,
            makers,
            quit=quit if desktop.is_owner(accounts) else None,
        )
        with gr.Row(elem_id="room"):
            with gr.Column(elem_id="forms"), gr.Tabs(overflow_behavior="wrap"):
                opened = [(tab, _lay_out(tab, page, blocks, restores)) for tab in tabs()]
            with gr.Column(elem_id="view"):
                view.render()
                for component in beside:
                    component.render()
        _wire_opening(blocks, page, opened, restores)
    return blocks


def _lay_out(tab: Any, page: Page, blocks: gr.Blocks, restores: Restores) -> gr.Tab:
    """One tab, locked for those without its right. Where people sign in it shows itself once it is known who reads."""
    right, accounts = right_of(tab), page.accounts
    is_visible = right == "create" if accounts.asked else is_shown(tab, accounts.owner, accounts)
    laid_beside: list[Any] = []

    def lay_beside(component: Any) -> None:
        laid_beside.append(component)
        page.beside(component)

    with gr.Tab(tab.TITLE, elem_id=f"tab-{tab.NAME}", visible=is_visible) as opened, locked(blocks, right, laid_beside):
        on_load = partial(_put_down, restores, tab)
        tab.build(replace(page, tab=opened, on_load=on_load, beside=lay_beside))
    return opened


def _put_down(restores: Restores, tab: Any, restore: Callable[[], dict[Any, Any]], outputs: list[Any]) -> None:
    restores.append((tab, restore, outputs))


def _wire_opening(blocks: gr.Blocks, page: Page, opened: list[tuple[Any, gr.Tab]], restores: Restores) -> None:
    accounts = page.accounts
    guarded = [(tab, itself) for tab, itself in opened if right_of(tab) != "create"] if accounts.asked else []

    def restore() -> dict[Any, Any]:
        """One answer for all tabs when a page opens, for the person who opens it."""
        person = who.current()
        mine = [show for tab, show, _ in restores if is_shown(tab, person, accounts)]
        changes = {component: change for show in mine for component, change in show().items()}
        visible = {itself: gr.update(visible=is_shown(tab, person, accounts)) for tab, itself in guarded}
        told = {"name": person.name if accounts.asked else "", "role": person.role}
        return {**changes, **visible, page.view: gr.HTML(notice={"turn": secrets.token_hex(4), "restored": told})}

    shown = [component for _, _, outputs in restores for component in outputs]
    outputs = [*shown, *(itself for _, itself in guarded), page.view]
    blocks.load(restore, None, outputs, queue=False, show_progress="hidden", api_visibility="private")


def _header(studio: Studio) -> str:
    worker = '<span id="worker" role="status" data-state="starting">Starting the engine…</span>'
    show = '<button type="button" id="present" class="small">Present</button>'
    version = f'<small class="version">{studio.version}</small>'
    person = '<span id="who" hidden></span>'
    return f'<header class="top"><span class="name">{icons.MARK}<b>Studio</b></span>{worker}{show}{person}{version}</header>'


def _view(desk: Desk, accounts: Accounts) -> Any:
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

    def prompts(asked: dict[str, Any]) -> dict[str, Any]:
        return used_prompts(desk.studio, asked)

    presentation = Presentation(desk)

    def present(asked: dict[str, Any]) -> dict[str, Any]:
        return presentation.answer(asked)

    return gr.HTML(
        html_template=(HERE / "desk.html").read_text("utf-8")
        + HISTORY
        + presetting.DIALOG
        + (HERE / "present.html").read_text("utf-8"),
        js_on_load="\n".join((HERE / name).read_text("utf-8") for name in SCRIPTS),
        server_functions=[
            live,
            act,
            details,
            difference,
            copy_for_others,
            prompts,
            present,
            *presetting.functions(desk.studio),
            *desktop.functions(desk.studio, accounts),
        ],
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
    blocks: gr.Blocks, accounts: Accounts, *, host: str, port: int, temporary: Path, open_browser: bool
) -> LaunchedPage:
    """Serve the page without waiting for it. Port 0 is 7860 or the next free one.

    Any host but loopback needs an admin's account, and then answers under that host's names only. Raises `InvalidRequest`.
    """
    admit(host, accounts)
    if port and not _is_free(host, port):
        raise _taken(port)
    _sweep(temporary)
    try:
        _serve(blocks.queue(api_open=False, default_concurrency_limit=None), accounts, host, port)
    except OSError as error:
        if error.errno is not None:  # Gradio's own error, "no empty port", has none; a full disk has one
            raise
        raise _taken(port) from error
    shown = {"0.0.0.0": "127.0.0.1", "::": "127.0.0.1", "::1": "[::1]"}.get(host, host)  # noqa: S104  shown, not bound
    address = f"http://{shown}:{blocks.server_port}/"
    if open_browser:
        webbrowser.open(address)
    return LaunchedPage(address, lambda: blocks.close(verbose=False))


def _serve(blocks: gr.Blocks, accounts: Accounts, host: str, port: int) -> None:
    """Raises `OSError` where no port is free: other programs, other studios among them, take ports at the same moment."""
    blocks.launch(
        server_name=host,
        server_port=port or None,
        prevent_thread_lock=True,
        quiet=True,
        share=False,
        inbrowser=False,
        auth=SigningIn(accounts).is_right if accounts.asked else None,
        app_kwargs={"middleware": doors(host, accounts), "openapi_url": None},
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


def doors(host: str, accounts: Accounts) -> list[Middleware]:
    """What a request passes, in this order: strangers stay outside; icons and languages are for all; then one signs in."""
    open_to_all = [Middleware(LocalOnly, hosts=_names(host)), Middleware(Installable), Middleware(Spoken)]
    return [*open_to_all, Middleware(SignedIn, accounts=accounts)]


def _taken(port: int) -> InvalidRequest:
    where = f"Port {port} is taken" if port else "All ports from 7860 on are taken"
    return InvalidRequest(f"{where}. Close the other program, or start with --port and another number.", "port")


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
