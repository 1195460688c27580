"""Running pip or uv: everything goes into the log, the few telling lines to the user, a failure becomes a sentence."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from studio.setup.venv import Stop, Venv, heirs, say

FAILURES = (
    (
        r"No space left on device|Errno 28\b|not enough space on the disk",
        "The disk is full. Free some space (pip also unpacks in the temporary folder, which TMPDIR moves) and start again:"
        " the set-up goes on where it stopped.",
    ),
    (
        r"NewConnectionError|Max retries|ConnectTimeout|Read ?[Tt]imed? ?out|name resolution|getaddrinfo|ProxyError"
        r"|Network is unreachable|[Cc]onnection (?:refused|aborted|reset|broken)|CERTIFICATE_VERIFY|error sending request",
        "The package index cannot be reached. Check the network (or the proxy) and start again: the set-up goes on where it"
        " stopped.",
    ),
    (
        r"from versions: none",
        "The package index cannot be reached or has nothing for this Python. Check the network (or the proxy), use a 64-bit"
        " Python 3.11 to 3.14, and start again: the set-up goes on where it stopped.",
    ),
    (
        r"No matching distribution found|[Nn]o solution found|no wheels with a matching",
        "A package has no build for this Python on this computer. Use a 64-bit Python 3.11 to 3.14 (on a Mac: Apple silicon"
        " and macOS 14 or newer), delete .venv and start again.",
    ),
    (
        r"Permission denied|Errno 13\b|Access is denied",
        "A file in .venv cannot be written. Close other programs that use the studio, make the folder your own, and start"
        " again.",
    ),
)


def run_pip(venv: Venv, arguments: Sequence[str], environ: Mapping[str, str], lock: int) -> None:
    """Run `pip <arguments>` in .venv with the user's own pip settings; `lock` is handed down. Raises Stop."""
    command = [str(venv.python), "-m", "pip", arguments[0], "--disable-pip-version-check", "--no-input", *arguments[1:]]
    if environ.get("STUDIO_UV"):
        command = _uv(venv, arguments, environ)
    lines: list[str] = []
    with (
        venv.log.open("a", encoding="utf-8") as log,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            env={**environ, "PIP_USER": "0", "PYTHONUNBUFFERED": "1"},
            pass_fds=heirs(lock),
        ) as process,
    ):
        for line in process.stdout or ():
            lines.append(line.rstrip())
            log.write(line)
            if news := telling(line):
                say("    " + news)
    if process.returncode:
        for line in [line for line in lines if line][-8:]:
            say("    | " + line[:200])
        raise Stop(
            sentence_for("\n".join(lines)) or f"The packages could not be installed; all of pip's words are in {venv.log}."
        )


def telling(line: str) -> str:
    """What a line of pip tells a person about why it takes so long; empty for most."""
    large = re.search(r"(Downloading|Using cached) (?:\S*/)?(\w[\w.]*?)-(\d[^-]*)-\S+ \(([\d.]+) (MB|GB)\)", line)
    if large and (large[5] == "GB" or float(large[4]) >= 10):
        return f"{large[1].lower()} {large[2]} {large[3]}, {large[4]} {large[5]}"
    if line.startswith("Installing collected packages:"):
        count = line.count(",") + 1
        return f"unpacking {count} package{'s' if count > 1 else ''} …"
    return ""


def sentence_for(output: str) -> str:
    """What to do about a failed pip; empty if its output says nothing we know."""
    return next((sentence for pattern, sentence in FAILURES if re.search(pattern, output)), "")


def _uv(venv: Venv, arguments: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """uv's words for the same; it finds the GPU itself unless an index was named."""
    uv = shutil.which("uv", path=environ.get("PATH"))
    if not uv:
        raise Stop(
            "STUDIO_UV is set and uv is not there. Install uv (https://docs.astral.sh/uv/) or start without STUDIO_UV."
        )
    if arguments[0] == "uninstall":
        return [uv, "pip", "uninstall", "-p", str(venv.python), *arguments[2:]]
    chosen = environ.get("STUDIO_TORCH_INDEX", "").strip()
    return [uv, "pip", *arguments, "-p", str(venv.python), *([] if chosen else ["--torch-backend=auto"])]
