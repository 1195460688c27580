"""`python studio.py audit` and `erase`, as somebody types them."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path

import pytest

from studio.core.request import ImageRequest
from studio.library import Library, open_library
from studio.main import main


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("data", "outputs", "models"):
        monkeypatch.setenv(f"STUDIO_{name.upper()}", str(tmp_path / name))
    monkeypatch.setenv("STUDIO_USER", "rita")


def opened(folder: Path) -> Library:
    return open_library(folder / "data", folder / "outputs")


def fill(folder: Path) -> None:
    with opened(folder) as library:
        for number in range(1, 6):
            library.audit.append("picture.kept", "ann" if number % 2 else "bob\x1b[2J", f"record-{number}", number=number)


def test_a_log_that_fits_is_said_with_its_newest_hash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "verify"]) == 0
    assert capsys.readouterr().out == "0 rows, all fit.\n"
    fill(tmp_path)
    assert main(["audit", "verify"]) == 0
    out = capsys.readouterr().out
    with opened(tmp_path) as library:
        assert out.startswith(f"5 rows, all fit. The hash of row 5 is {library.audit.head().hash}. ")


def test_the_first_broken_row_is_named_and_the_exit_code_is_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path)
    with sqlite3.connect(tmp_path / "data" / "studio.sqlite") as other:
        other.execute("DROP TRIGGER audit_holds")
        other.execute("UPDATE audit SET detail = '{\"number\": 99}' WHERE seq IN (3, 4)")
    other.close()
    assert main(["audit", "verify"]) == 1
    assert capsys.readouterr().out.startswith("The audit log is broken: the content of row 3 was changed. ")


def test_the_newest_rows_are_shown_and_no_name_steers_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path)
    with opened(tmp_path) as library:
        library.audit.append("key.set", "carl", "FAL_KEY")
        library.audit.blank("carl")
    assert main(["audit", "show", "--limit", "2"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in shown] == ["5", "6"]
    assert 'picture.kept        ann  record-5  {"number": 5}' in shown[0]
    assert shown[1].endswith("key.set             (erased)")
    assert main(["audit", "show", "--person", "ann", "--action", "picture.kept"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert main(["audit", "show"]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_an_export_is_written_whole_and_logged_with_who_made_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path)
    assert main(["audit", "export", str(tmp_path / "log.jsonl")]) == 0
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["seq"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert (rows[-1]["action"], rows[-1]["person"]) == ("audit.exported", "rita")
    assert main(["audit", "export", str(tmp_path / "log.csv"), "--csv"]) == 0
    with (tmp_path / "log.csv").open(encoding="utf-8", newline="") as file:
        assert [row["seq"] for row in csv.DictReader(file)] == ["1", "2", "3", "4", "5", "6", "7"]
    capsys.readouterr()
    assert main(["audit", "export", str(tmp_path / "no" / "such" / "folder")]) == 2
    assert "Choose another place." in capsys.readouterr().err


def test_a_person_is_erased_only_when_that_was_said_twice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path)
    with opened(tmp_path) as library:
        job = library.jobs.add(ImageRequest(model="toy:one", prompt="a crimson lighthouse", user="ann"), "batch")
        library.jobs.advance(job.id, "failed")
    assert main(["erase", "ann"]) == 2
    told = capsys.readouterr()
    assert told.out == ("There is to erase of ann: 1 request, 0 pictures, 0 source files, 3 log rows.\n")
    assert "add --yes" in told.err
    assert main(["erase", "ann", "--yes"]) == 0
    assert capsys.readouterr().out.startswith("Erased of ann: 1 request, ")
    with opened(tmp_path) as library:
        found = library.jobs.get(job.id)
        assert found is not None
        assert found.request.prompt == "(erased)"
        last = library.audit.rows()[-1]
        assert (last.action, last.person) == ("person.erased", "rita")
    assert main(["audit", "verify"]) == 0
    assert main(["erase", " ", "--yes"]) == 2


def test_a_command_that_says_not_what_is_to_be_done_shows_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["audit"])
    assert "verify | show | export" in capsys.readouterr().err
