"""The policy as the composition root puts it together: its switch, its place among the stamps, and the library's row."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from examining import MemoryCalibrations
from memory_sources import MemorySources
from PIL import Image
from subjects import a_picture

from studio import plugins
from studio.assembly import Marks
from studio.core.errors import Blocked
from studio.core.hosting import Preferences
from studio.core.publishing import Case
from studio.core.request import ImageRequest
from studio.core.result import Draft, Picture
from studio.core.rules import FILE
from studio.core.verdict import Verdict
from studio.engine.publishing import PublishingStamp
from studio.engine.scoring import Scoring
from studio.library import open_library
from studio.preferences import PreferenceFile
from studio.settings import ROOT, Settings

BAD = ImageRequest(model="local:starter", prompt="a nude child")


def place(folder: Path) -> Settings:
    return Settings(data=folder / "data", outputs=folder / "outputs", models=folder / "models")


def test_every_file_of_the_policy_is_found_and_the_light_ones_come_first(tmp_path: Path) -> None:
    names = [check.name for check in plugins.checks(place(tmp_path))]
    assert names[0] == "prompt_rules"
    assert sorted(names) == ["blank", "blocked_files", "credentials", "nsfw", "prompt_rules", "provider"]
    files = [path.stem for path in (ROOT / "studio" / "policy").glob("[!_]*.py")]
    assert sorted(files) == sorted(names)


def test_one_switch_turns_all_of_it_off_and_on_at_once(tmp_path: Path) -> None:
    settings = place(tmp_path)
    marks, preferences = Marks(settings), PreferenceFile(settings)
    screening = marks.screening(plugins.checks(settings))
    assert preferences.get().policy
    with pytest.raises(Blocked):
        screening.words(BAD, "admin")
    preferences.set(Preferences(policy=False, daily_budget=2.0))
    assert screening.words(BAD, "admin") == ()
    assert marks.publishing() is None
    assert PreferenceFile(settings).get() == Preferences(policy=False, daily_budget=2.0)
    preferences.set(Preferences())
    with pytest.raises(Blocked):
        screening.words(BAD, "admin")
    assert marks.publishing().decide(Case(checks="flag")).action == "review"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"offline": false}', '{"policy": "no"}', '{"policy": null, "limits": 3}'])
def test_a_damaged_or_older_preference_file_never_switches_it_off(tmp_path: Path, text: str) -> None:
    settings = place(tmp_path)
    settings.data.mkdir()
    (settings.data / "preferences.json").write_text(text)
    assert PreferenceFile(settings).get().policy


def test_publishing_comes_behind_the_scores_and_before_the_texts(tmp_path: Path) -> None:
    scoring = Scoring(detectors=(), calibrations=MemoryCalibrations())
    names = [stamp.name for stamp in Marks(place(tmp_path)).stamps(scoring, MemorySources())]
    assert names == ["watermark", "detector", "publishing", "text", "c2pa", "reopened"]


def test_a_flagged_picture_waits_in_the_library_and_its_file_says_so(tmp_path: Path) -> None:
    settings = place(tmp_path)
    library = open_library(settings.data, settings.outputs)
    scoring = Scoring(detectors=plugins.detectors(settings), calibrations=library.calibrations)
    stamps = Marks(settings).stamps(scoring, library.sources)
    flag = Verdict(check="x", outcome="flag", reason_code="x.odd", message="It looks odd. Look.", stage="output")
    draft = Draft(id="job-0", job="job", picture=Picture(image=a_picture((128, 96)), seed=1), request=BAD,
                  created="2026-11-26T10:00:00+00:00", verdicts=(flag,))  # fmt: skip
    drafts = []
    for one in (draft, replace(draft, id="job-1", verdicts=())):
        for stamp in stamps:
            one = stamp(one)  # noqa: PLW2901  each stamp returns the next draft
        drafts.append(one)
    library.keeper.hold(drafts)
    kept = library.keeper.keep("job")
    assert [record.review_status for record in kept] == ["pending", "not_needed"]
    assert library.records.record("job-0") == kept[0]
    assert kept[0].facts["publishing"]["action"] == "review"
    assert kept[1].facts["publishing"] == {
        "action": "label",
        "rule": "made-here",
        "sentence": "It is made with AI. Say so where you publish it; a share copy carries that label.",
    }
    with Image.open(kept[0].path) as file:
        assert '"review_status": "pending"' in file.text["studio_metadata"]
    library.close()


def test_publishing_blocks_before_anything_is_encoded(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(
        '[[publish]]\nname = "closed"\naction = "block"\nsentence = "Nothing is published now. Come back later."\n'
    )
    table = Marks(replace(place(tmp_path), presets=tmp_path)).publishing
    draft = Draft(id="job-0", job="job", picture=Picture(image=a_picture(), seed=1), request=BAD, created="")
    with pytest.raises(Blocked, match="Nothing is published now"):
        PublishingStamp(table)(draft)


@pytest.mark.slow
def test_looking_at_words_never_loads_torch(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from studio import plugins\n"
        "from studio.core.request import ImageRequest\n"
        "from studio.engine.screening import Screening\n"
        "from studio.settings import Settings\n"
        "screening = Screening(lambda: plugins.checks(Settings(data=Path(sys.argv[1]))))\n"
        "screening.words(ImageRequest(model='local:starter', prompt='a lamp'), 'creator')\n"
        "print(*{'torch', 'transformers', 'c2pa'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
