"""Where settings come from, in which order, and what never shows."""

from pathlib import Path

import pytest

from studio.core.errors import InvalidRequest
from studio.settings import keys_present, load


def test_the_command_line_beats_the_environment_which_beats_the_file(tmp_path: Path) -> None:
    (tmp_path / "studio.toml").write_text('port = 1\nuser = "file"\nhost = "::1"\n')
    environ = {"STUDIO_DATA": str(tmp_path), "STUDIO_PORT": "2", "STUDIO_USER": "environment"}
    settings = load(environ, port=3)
    assert (settings.port, settings.user, settings.host) == (3, "environment", "::1")


def test_a_relative_or_home_path_becomes_absolute() -> None:
    settings = load({"STUDIO_OUTPUTS": "~/pictures", "STUDIO_DATA": "data"})
    assert settings.outputs == Path.home() / "pictures"
    assert settings.data.is_absolute()


@pytest.mark.parametrize("value", ["1", "true", "YES"])
def test_the_hub_being_offline_means_that_the_studio_is(value: str) -> None:
    assert load({"HF_HUB_OFFLINE": value}).offline
    assert not load({}).offline


@pytest.mark.parametrize("text", ["port = ", "colour = 1", 'port = "many"'])
def test_a_broken_file_is_a_sentence_that_names_the_fault(tmp_path: Path, text: str) -> None:
    (tmp_path / "studio.toml").write_text(text)
    with pytest.raises(InvalidRequest, match=r"studio\.toml|setting port"):
        load({"STUDIO_DATA": str(tmp_path)})


def test_a_wrong_port_in_the_environment_is_a_sentence() -> None:
    with pytest.raises(InvalidRequest, match="setting port"):
        load({"STUDIO_PORT": "many"})


def test_neither_password_nor_key_shows_in_what_is_printed() -> None:
    planted = "planted-secret-5d2f"
    environ = {"STUDIO_PASSWORD": planted, "OPENAI_API_KEY": planted}
    assert planted not in repr(load(environ)) + str(load(environ)) + repr(keys_present(environ))
    assert keys_present(environ) == ("OPENAI_API_KEY",)
