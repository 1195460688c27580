"""From typed prompts to requests: a picture alone has the words it has in a batch, and the policy sees the words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from studio.core.errors import Blocked, InvalidRequest
from studio.core.history import UsedPrompt
from studio.core.job import Job, Lane
from studio.core.people import Person
from studio.core.request import ImageRequest, Sampling, request_from_json, request_to_json, without_words
from studio.core.styles import Style
from studio.core.verdict import Verdict
from studio.engine.making import Making
from studio.engine.prompting import Prompting
from studio.wording import WordFolder, read_styles

ANN = Person("ann")


class Shelf:
    """Words and a history in memory."""

    def __init__(self) -> None:
        self.used: list[tuple[str, str, str]] = []

    def wildcard(self, name: str) -> Sequence[str] | None:
        return {"colour": ("red", "blue", "green", "white")}.get(name)

    def wildcards(self) -> Sequence[str]:
        return ("colour",)

    def styles(self) -> Sequence[Style]:
        return (
            Style(name="Oil", prompt="oil painting of {prompt}, {thick|thin} strokes", negative="photo"),
            Style(name="Dark", prompt="night", negative="sun"),
        )

    def add(self, person: str, text: str, negative: str = "") -> None:
        self.used.append((person, text, negative))

    def find(self, person: str, words: str = "", limit: int = 50) -> list[UsedPrompt]:
        return []

    def remove(self, person: str, id: int) -> None: ...


class Door:
    """The studio's submit: keeps what it is given, and blocks what says “blue”."""

    def __init__(self) -> None:
        self.asked: list[ImageRequest] = []

    def submit(self, request: ImageRequest, lane: Lane, person: Person) -> Job:
        if "blue" in request.prompt:
            raise Blocked(Verdict(check="words", outcome="block", reason_code="prompt.blue", message="No blue."))
        self.asked.append(request)
        return Job(id=f"job{len(self.asked)}", request=request, state="queued", lane=lane, created=0.0)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def prompting(shelf: Shelf) -> Prompting:
    return Prompting(shelf, shelf)


def asked(prompt: str, *, count: int = 1, seed: int | None = 7, **more: object) -> ImageRequest:
    return ImageRequest(model="toy:one", prompt=prompt, count=count, sampling=Sampling(seed=seed), **more)  # type: ignore[arg-type]


def per_picture(requests: list[ImageRequest]) -> list[tuple[int, str]]:
    """Seed and words of each picture."""
    return [((each.sampling.seed or 0) + place, each.prompt) for each in requests for place in range(each.count)]


def test_a_prompt_without_signs_is_one_request_as_it_is(prompting: Prompting) -> None:
    request = asked("a (red:1.2) house [by] the sea", count=4, seed=None)
    assert prompting.requests(request) == [request]


def test_each_picture_of_a_batch_has_the_words_that_it_has_alone(prompting: Prompting) -> None:
    batch = per_picture(prompting.requests(asked("a __colour__ {house|tree}", count=12)))
    assert [seed for seed, _ in batch] == list(range(7, 19))
    alone = [per_picture(prompting.requests(asked("a __colour__ {house|tree}", seed=seed)))[0] for seed in range(7, 19)]
    assert batch == alone
    assert len({words for _, words in batch}) > 3


def test_neighbours_of_the_same_words_are_one_request(prompting: Prompting) -> None:
    requests = prompting.requests(asked("{a|b}", count=16))
    assert len(requests) < 16
    assert sum(each.count for each in requests) == 16
    assert all(one.prompt != other.prompt for one, other in pairwise(requests))


def test_what_was_typed_and_chosen_stands_beside_the_words(prompting: Prompting) -> None:
    (request,) = prompting.requests(asked("a __colour__ house"))
    assert request.template == "a __colour__ house"
    assert request.choices == (f"colour: {request.prompt.split()[1]}",)
    assert request_from_json(request_to_json(request)) == request
    silent = without_words(request)
    assert (silent.prompt, silent.template, silent.choices) == ("", "", ())


def test_without_a_seed_one_is_chosen_so_that_the_words_can_be_had_again(prompting: Prompting) -> None:
    (request,) = prompting.requests(asked("{a|b|c|d|e|f|g|h}", seed=None))
    assert request.sampling.seed is not None
    assert prompting.requests(replace(asked(request.template), sampling=request.sampling)) == [request]


def test_styles_are_laid_around_the_prompt_in_their_order(prompting: Prompting) -> None:
    (request,) = prompting.requests(asked("a house", count=1, styles=("Oil", "Dark"), negative_prompt="blurry"))
    assert request.prompt in {f"oil painting of a house, {stroke} strokes, night" for stroke in ("thick", "thin")}
    assert request.negative_prompt == "blurry, photo, sun"
    assert (request.template, request.negative_template, request.styles) == ("a house", "blurry", ("Oil", "Dark"))


def test_an_unknown_style_is_said_at_its_field(prompting: Prompting) -> None:
    with pytest.raises(InvalidRequest, match="no style “Gone”") as caught:
        prompting.requests(asked("a house", styles=("Gone",)))
    assert caught.value.field == "styles"


def test_the_policy_sees_the_words_and_what_it_lets_through_is_queued(shelf: Shelf, prompting: Prompting) -> None:
    door = Door()
    with pytest.raises(Blocked):
        Making(door, prompting).submit(asked("a {red|blue} house", count=16), "interactive", ANN)  # type: ignore[arg-type]
    assert {request.prompt for request in door.asked} == {"a red house"}
    assert shelf.used == [("ann", "a {red|blue} house", "")]


def test_what_is_blocked_as_a_whole_or_wrong_is_not_in_the_history(shelf: Shelf, prompting: Prompting) -> None:
    making = Making(Door(), prompting)  # type: ignore[arg-type]
    with pytest.raises(Blocked):
        making.submit(asked("a blue house"), "interactive", ANN)
    with pytest.raises(InvalidRequest):
        making.submit(asked("a {red house"), "interactive", ANN)
    assert shelf.used == []


# The presets folder --------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    wildcards = tmp_path / "wildcards"
    (wildcards / "places").mkdir(parents=True)
    (wildcards / "colour.txt").write_text("# a comment\n red \n\n2::blue\n", encoding="utf-8")
    (wildcards / "places" / "sea.txt").write_text("\ufeffharbour\n", encoding="utf-8")
    (wildcards / "places" / "land.txt").write_text("Wiese\n", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("secret\n", encoding="utf-8")
    return tmp_path


def test_wildcard_files_are_read_without_comments_and_in_folders(folder: Path) -> None:
    words = WordFolder(folder)
    assert words.wildcards() == ("colour", "places/land", "places/sea")
    assert words.wildcard("colour") == ("red", "2::blue")
    assert words.wildcard("Colour") == ("red", "2::blue")
    assert words.wildcard("places/*") == ("Wiese", "harbour")


@pytest.mark.parametrize("name", ["gone", "../secret", "..", "places", "/etc/hostname"])
def test_no_name_leads_out_of_the_folder(folder: Path, name: str) -> None:
    assert WordFolder(folder).wildcard(name) is None


def test_an_edited_file_holds_at_once_and_a_missing_folder_is_empty(folder: Path, tmp_path: Path) -> None:
    words = WordFolder(folder)
    (folder / "wildcards" / "colour.txt").write_text("green\n", encoding="utf-8")
    assert words.wildcard("colour") == ("green",)
    assert WordFolder(tmp_path / "none").wildcards() == ()
    assert WordFolder(tmp_path / "none").styles() == ()


@pytest.mark.parametrize(
    ("text", "good", "faults"),
    [
        ('[[style]]\nname = "A"\nprompt = "x {prompt}"\n', ["A"], 0),
        ('[[style]]\nname = "A"\n[[style]]\nname = "A"\n', ["A"], 1),
        ('[[style]]\nprompt = "x"\n', [], 1),
        ('[[style]]\nname = "A"\nnegativ = "x"\n', [], 1),
        ('[[style]]\nname = "A"\nprompt = 5\n', [], 1),
        ("[[style]\n", [], 1),
        ('style = "x"\n', [], 1),
    ],
)
def test_styles_that_are_wrong_do_not_stand_in_the_way_of_others(
    tmp_path: Path, text: str, good: list[str], faults: int
) -> None:
    path = tmp_path / "styles.toml"
    path.write_text(text, encoding="utf-8")
    styles, said = read_styles(path)
    assert [style.name for style in styles] == good
    assert len(said) == faults


def test_all_shipped_styles_and_wildcards_can_be_used() -> None:
    words = WordFolder(Path(__file__).resolve().parents[2] / "presets")
    assert read_styles(Path(__file__).resolve().parents[2] / "presets" / "styles.toml")[1] == ()
    prompting = Prompting(words)
    for name in words.wildcards():
        assert all(each.prompt for each in prompting.requests(asked(f"__{name}__", count=30)))
    for style in words.styles():
        assert "a house" in prompting.requests(asked("a house", styles=(style.name,)))[0].prompt
