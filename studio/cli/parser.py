"""The command line: every command with its options. What runs a command is given by the composition root."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from studio.cli.adapters import add_adapter_options
from studio.cli.audit import add_audit_options, add_erase_options
from studio.cli.evaluate import add_calibrate_options, add_evaluate_options
from studio.cli.models import add_options as add_models_options
from studio.cli.people import add_options as add_people_options
from studio.cli.report import add_options as add_report_options
from studio.cli.verify import add_options as add_verify_options

Run = Callable[[Any, argparse.Namespace], int]
"""Runs a command with the studio's settings and the arguments; returns the exit code."""


def command_line(runs: Mapping[str, Run]) -> argparse.ArgumentParser:
    """The parser; the arguments' `run` runs the chosen command. Commands that no help tells of only have `--offline`."""
    parser = argparse.ArgumentParser(
        prog="studio.py", description="A local creative studio: from a prompt to a kept picture."
    )
    parser.set_defaults(run=runs["serve"])
    _serving_options(parser)
    commands = parser.add_subparsers(title="commands", metavar="")
    for name, (help, add_options) in COMMANDS.items():
        command = commands.add_parser(name, help=help)
        command.set_defaults(run=runs[name])
        add_options(command)
    for name in (name for name in runs if name not in COMMANDS):
        hidden = commands.add_parser(name)
        hidden.set_defaults(run=runs[name])
        hidden.add_argument("--offline", action="store_true")
    return parser


def _serving_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, help="port of the page (default: 7860, or the next free one)")
    parser.add_argument("--host", help="address to listen on (default: 127.0.0.1; any other needs an admin's account)")
    parser.add_argument("--window", action="store_true", help="show the page in a window of its own")
    parser.add_argument("--no-browser", action="store_true", help="do not open the browser")
    parser.add_argument("--offline", action="store_true", help="never use the network")


def _generating_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("prompt", nargs="?", default="", help="may hold {a|b} and __wildcards__")
    parser.add_argument("--again", metavar="RECORD_OR_FILE", default="", help="make this picture once more and compare")
    parser.add_argument(
        "--style", action="append", metavar="NAME", help="a style of presets/styles.toml; several are possible"
    )
    parser.add_argument("--negative-prompt", default="", help="what to keep out of the picture")
    parser.add_argument("--model", default="", help="model id, such as local:starter (default: the first one)")
    parser.add_argument("--size", help="WIDTHxHEIGHT in pixels")
    parser.add_argument("--steps", type=int, help="denoising steps, 1 to 500")
    parser.add_argument("--guidance-scale", type=float, help="how closely to follow the prompt, 0 to 100")
    parser.add_argument("--seed", type=int, help="0 to 4294967294; the same seed gives the same picture")
    parser.add_argument("--sampler", help="such as “DPM++ 2M Karras”")
    parser.add_argument("--count", type=int, default=1, help="number of pictures, seeds counting up")
    parser.add_argument("--preset", default="", help="name of a preset; its values are taken where none is given here")
    add_adapter_options(parser)
    parser.add_argument("--json", action="store_true", help="print the records as JSON")
    parser.add_argument("--offline", action="store_true", help="never use the network")


def _telling_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--offline", action="store_true", help=argparse.SUPPRESS)


def _never_online(add_options: Callable[[argparse.ArgumentParser], None]) -> Callable[[argparse.ArgumentParser], None]:
    def add(parser: argparse.ArgumentParser) -> None:
        add_options(parser)
        parser.add_argument("--offline", action="store_true", help="never use the network")

    return add


COMMANDS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "serve": ("open the page (the default)", _serving_options),
    "generate": ("make pictures without a page", _generating_options),
    "doctor": ("show device, versions, space, models, keys, and what is wrong", _telling_options),
    "reindex": ("rebuild the library from the files in the outputs folder", _telling_options),
    "verify": (
        "tell how files were made: signature, watermark, metadata, library, detectors",
        _never_online(add_verify_options),
    ),
    "evaluate": ("report how the detectors do on your library and your photos", _never_online(add_evaluate_options)),
    "calibrate": ("calibrate detectors on a folder of your own photos", _never_online(add_calibrate_options)),
    "audit": ("show, check or export the log of what was done", _never_online(add_audit_options)),
    "erase": ("erase a person's data: prompts, pictures, content of the log", _never_online(add_erase_options)),
    "providers": ("list hosted providers: abilities, keys, limits, what was tried", _telling_options),
    "models": ("models on this computer: list, add, remove, curated, pause, resume", _never_online(add_models_options)),
    "report": (
        "a contact sheet of pictures with prompts, marks and review as PDF or HTML",
        _never_online(add_report_options),
    ),
    "people": ("who may sign in: list, add, password, role, remove", _never_online(add_people_options)),
}
