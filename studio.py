"""Set up and start the studio: `python studio.py`. Needs Python 3.11 or newer and nothing else.

The first start makes .venv beside this file and installs requirements.txt with the PyTorch build for this machine
(`studio/setup/`, standard library alone); every other start finds that done and hands over to `studio.main` at once.
This file must parse on Python 3.6, so that too old a Python gets a sentence and not a SyntaxError.
"""

import importlib
import os
import sys

ROOT = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  pathlib is not needed to hand over
OLDEST = (3, 11)
HELP = """\
python studio.py [command] [options]      sets up what is missing, then:

  (no command), or serve        open the studio in the browser
      --port N                    use this port (default: 7860 or the next free one)
      --host ADDRESS              listen on this address (default: 127.0.0.1, this computer only)
      --window                    show the page in a window of its own
      --no-browser                do not open the browser
      --offline                   never use the network
  generate "prompt" [options]   make pictures without the page; `generate --help` lists the options
  verify FILE…                  tell how files were made: signature, watermark, metadata, library, detectors
  evaluate [--photos FOLDER]    report how the detectors do on your library and your photos
  calibrate FOLDER              calibrate detectors on a folder of your own photos
  reindex                       rebuild the library from the pictures in the outputs folder
  audit verify|show|export      check, print or export the log of what was done (`audit --help`)
  erase PERSON [--yes]          erase a person's data: prompts, pictures, content of the log
  providers [--json]            list hosted providers: abilities, keys, limits, what was tried
  models list|add|remove|…      models on this computer and downloads; `models --help` lists the rest
  report --out FILE             contact sheet of pictures with prompts, marks and review, as PDF or HTML
  people list                   show who may sign in; `people --help` lists add, password, role and remove
  doctor [--json]               show device, versions, models and what is wrong
  test [pytest options]         run the offline tests
  --help                        show this text

Environment: STUDIO_OUTPUTS, STUDIO_DATA and STUDIO_MODELS move the folders. For the set-up:
  STUDIO_TORCH_INDEX=X          take PyTorch from X: cpu, cu130, cu126, rocm7.2, xpu, a URL, or "default" (pip's own index)
  STUDIO_UV=1                   install with uv instead of pip
  STUDIO_NO_VENV=1              use this Python as it is and install nothing
"""


def too_old(version):
    """A sentence if this version of Python cannot run the studio, else nothing."""
    if tuple(version[:2]) >= OLDEST:
        return ""
    return (
        "The studio needs Python {}.{} or newer and this is Python {}.{}. Install a newer one, for example from"
        " https://www.python.org/downloads/, and start again with it."
    ).format(*(OLDEST + tuple(version[:2])))


def main(argv):
    """Set up what is missing and run the command; the return value is the exit code."""
    if argv[:1] in (["-h"], ["--help"], ["help"]):
        print(HELP, end="")
        return 0
    complaint = too_old(sys.version_info)
    if complaint:
        print(complaint, file=sys.stderr)
        return 1
    set_up = importlib.import_module("studio.setup.start")  # no import statement: import-linter takes us for the package
    return set_up.start(ROOT, argv, os.environ)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
