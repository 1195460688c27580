"""Downloads from a hub over real sockets: what is taken, what is checked, and what happens when things break."""

from __future__ import annotations

import threading
import time
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest
from download_place import Place
from toy_hub import COMMIT, TOKEN, Repository, ToyHub, noise, sha256

from studio.core.errors import InvalidRequest, Rejected
from studio.stock import downloader as downloading

BIG = "unet/diffusion_pytorch_model.fp16.safetensors"


def files_under(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_repository_comes_in_the_hubs_own_layout_with_what_is_needed_and_nothing_else(place: Place, hub: ToyHub) -> None:
    done = place.get()
    assert (done.state, done.message, done.commit) == ("done", "", COMMIT)
    snapshot = place.repository / "snapshots" / COMMIT
    assert files_under(snapshot) == {
        "model_index.json", "unet/config.json", BIG, "text_encoder/config.json", "text_encoder/model.safetensors",
        "tokenizer/merges.txt", "tokenizer/vocab.json", "scheduler/scheduler_config.json",
    }  # fmt: skip
    for path in files_under(snapshot):
        assert (snapshot / path).read_bytes() == hub.repositories["toys/model"].files[path]
    assert (place.repository / "refs" / "main").read_text() == COMMIT
    large = hub.repositories["toys/model"].files[BIG]
    assert (snapshot / BIG).resolve().name == sha256(large)  # blobs bear their hash as the hub's library names them
    assert done.done == done.total == sum(len((snapshot / path).read_bytes()) for path in files_under(snapshot))
    assert not list(place.cache.rglob("*.part"))


def test_the_catalog_finds_what_was_downloaded_and_nothing_before_it_is_whole(place: Place, hub: ToyHub) -> None:
    from studio.backends.local.catalog import Catalog

    catalog = Catalog(hub_cache=place.cache, starter=place.cache / "none")
    seen: list[list[str]] = []
    place.added = _Seen(lambda: seen.append([model.id for model in catalog.models()]))  # type: ignore[assignment]
    place.new()
    place.get()
    assert seen == [[]]
    assert [model.id for model in catalog.models()] == ["local:toys/model"]


class _Seen(list[object]):
    """Called where a list would be appended to."""

    def __init__(self, look: Callable[[], None]) -> None:
        super().__init__()
        self.append = lambda _: look()  # type: ignore[method-assign,assignment]


def test_full_precision_is_taken_where_nothing_draws_in_half(a_place: Callable[..., Place]) -> None:
    place = a_place(half=False)
    place.get()
    snapshot = place.repository / "snapshots" / COMMIT
    assert (snapshot / "unet/diffusion_pytorch_model.safetensors").is_file()
    assert not (snapshot / BIG).exists()


def test_a_file_that_breaks_off_goes_on_where_it_broke_and_is_right(place: Place, hub: ToyHub) -> None:
    hub.faults.cut = [5000, 200_000, 100_000]  # the text encoder comes first, whole; then the big one breaks twice
    done = place.get()
    assert done.state == "done"
    begins = [int(each[6:-1]) for each in hub.ranges()]
    assert begins == [200_000, 300_000]
    assert sha256((place.repository / "snapshots" / COMMIT / BIG).read_bytes()) == sha256(
        hub.repositories["toys/model"].files[BIG]
    )
    assert hub.sent == 5000 + 600_000  # no byte came twice


def test_a_wrong_byte_is_noticed_and_the_file_fetched_once_more(place: Place, hub: ToyHub) -> None:
    hub.faults.spoil = 1
    assert place.get().state == "done"
    assert hub.sent == 2 * 5000 + 600_000


def test_a_file_that_comes_damaged_twice_is_never_kept(place: Place, hub: ToyHub) -> None:
    hub.faults.spoil = 2
    done = place.get()
    assert done.state == "failed"
    assert "damaged twice" in done.message
    assert not (place.repository / "snapshots").exists()
    assert not (place.repository / "refs").exists()
    assert place.added == []
    place.downloader.orders.wish(done.id, "run")
    while place.downloader.step():
        pass
    assert place.downloader.orders.shown(done.id).state == "done"


def test_a_blob_that_rotted_on_the_disk_is_replaced(place: Place, hub: ToyHub) -> None:
    data = hub.repositories["toys/model"].files[BIG]
    blob = place.repository / "blobs" / sha256(data)
    blob.parent.mkdir(parents=True)
    blob.write_bytes(data[:-1] + b"?")
    place.get()
    assert sha256(blob.read_bytes()) == sha256(data)


def test_blobs_that_are_there_are_not_fetched_again(place: Place, hub: ToyHub) -> None:
    place.get()
    sent = hub.sent
    assert place.get().state == "done"
    assert hub.sent == sent


def test_pauses_that_the_hub_asks_for_and_its_troubles_are_waited_out(place: Place, hub: ToyHub) -> None:
    hub.faults.limit, hub.faults.sick = 2, 1
    assert place.get().state == "done"
    began = time.monotonic()
    hub.repositories["toys/two"] = Repository({"x.safetensors": noise(100)})
    hub.faults.limit, hub.faults.retry_after = 1, "1"
    assert place.get("toys/two/x.safetensors").state == "done"
    assert time.monotonic() - began >= 1


def test_a_hub_that_stays_sick_fails_with_a_sentence_and_can_be_resumed(place: Place, hub: ToyHub) -> None:
    hub.faults.sick = 1000
    done = place.get()
    assert (done.state, "503" in done.message) == ("failed", True)
    hub.faults.sick = 0
    place.downloader.orders.wish(done.id, "run")
    assert place.downloader.orders.shown(done.id).state == "queued"
    place.downloader.step()
    assert place.downloader.orders.shown(done.id).state == "done"


def test_a_gated_repository_says_where_to_go_and_what_to_do(place: Place, hub: ToyHub) -> None:
    hub.repositories["toys/model"].gated = True
    done = place.get()
    assert done.state == "failed"
    assert f"{hub.url}/toys/model" in done.message
    assert "HF_TOKEN" in done.message
    assert "Settings" in done.message
    assert done.link == f"{hub.url}/toys/model"
    place.token, hub.granted = TOKEN, False
    place.downloader.orders.wish(done.id, "run")
    place.downloader.step()
    assert "has no access to toys/model yet" in place.downloader.orders.shown(done.id).message
    hub.granted = True
    place.downloader.orders.wish(done.id, "run")
    place.downloader.step()
    assert place.downloader.orders.shown(done.id).state == "done"


def test_the_token_goes_to_the_hub_alone_and_is_written_nowhere(place: Place, hub: ToyHub, tmp_path: Path) -> None:
    place.token = TOKEN
    hub.repositories["toys/model"].gated = True
    hub.faults.cut = [100]
    assert place.get().state == "done"
    assert place.get("toys/none").state == "failed"
    with_token = {server for server, _, headers in hub.asked if "authorization" in headers}
    assert with_token == {"hub"}
    held = [path for path in tmp_path.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert held == []
    assert TOKEN not in repr(place.downloader.orders.downloads())


def test_pickles_only_are_refused_with_the_reason(place: Place, hub: ToyHub) -> None:
    files = hub.repositories["toys/model"].files
    for path in [path for path in files if path.startswith("unet/") and path.endswith(".safetensors")]:
        del files[path]
    done = place.get()
    assert done.state == "failed"
    assert "only pickles in unet, which can run code" in done.message
    assert hub.sent == 0


def test_a_repository_without_an_index_names_what_could_be_taken(place: Place, hub: ToyHub) -> None:
    hub.repositories["toys/one"] = Repository({"sd_xl.safetensors": noise(200), "a.md": b""})
    assert "Add one of its files by name: sd_xl.safetensors" in place.get("toys/one").message
    hub.repositories["toys/old"] = Repository({"old.ckpt": noise(200)})
    assert "pickles only" in place.get("toys/old").message


def test_a_single_file_comes_into_the_models_folder(place: Place, hub: ToyHub) -> None:
    done = place.get(f"{hub.url}/toys/model/resolve/main/v1-5.safetensors")
    assert done.state == "done"
    assert (place.models / "v1-5.safetensors").read_bytes() == hub.repositories["toys/model"].files["v1-5.safetensors"]
    assert [added.what for added in place.added] == ["toys/model/v1-5.safetensors"]
    assert [path.name for path in place.models.iterdir()] == ["v1-5.safetensors"]
    assert place.get("toys/model/v1-5.safetensors").state == "done"  # it is there already
    (place.models / "v1-5.safetensors").write_bytes(b"another")
    assert "Another file named v1-5.safetensors" in place.get("toys/model/v1-5.safetensors").message
    assert (place.models / "v1-5.safetensors").read_bytes() == b"another"


def test_a_redirect_to_a_strange_host_is_not_followed(place: Place, hub: ToyHub) -> None:
    hub.files_url = "https://files.evil.example"
    done = place.get()
    assert done.state == "failed"
    assert "files.evil.example, which is not one of its known hosts" in done.message


def test_a_file_that_is_not_the_listed_one_is_not_fetched(place: Place, hub: ToyHub) -> None:
    hub.faults.lie = "f" * 64
    done = place.get()
    assert done.state == "failed"
    assert "another file" in done.message


def test_a_host_without_ranges_begins_anew_and_ends_right(place: Place, hub: ToyHub) -> None:
    hub.faults.ranges = False
    hub.faults.cut = [5000, 200_000]
    assert place.get().state == "done"
    assert hub.sent == 5000 + 200_000 + 600_000


def test_a_full_disk_is_said_before_anything_is_fetched(place: Place, hub: ToyHub, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(downloading.shutil, "disk_usage", lambda _: usage(10**9, 10**9 - 1000, 1000))
    done = place.get()
    assert done.state == "failed"
    assert "Make space there, then resume." in done.message
    assert hub.sent == 0


def test_offline_nothing_is_asked(place: Place, hub: ToyHub) -> None:
    """A hub on this computer is reached all the same, so another address stands for the hub here."""
    place.offline, place.hub = True, type("Elsewhere", (), {"url": "https://huggingface.co"})()
    place.new()
    done = place.get()
    assert done.state == "failed"
    assert "switched offline" in done.message


def while_running(place: Place, text: str, do: Callable[[str], None]) -> str:
    """Start a download, wait until bytes come, do something, and wait for the step to end."""
    id = place.ask(text)
    thread = threading.Thread(target=place.downloader.step)
    thread.start()
    end = time.monotonic() + 20
    while place.downloader.orders.state(id).done < 100_000:
        assert time.monotonic() < end
        time.sleep(0.02)
    do(id)
    thread.join(20)
    assert not thread.is_alive()
    return id


def test_a_paused_download_stops_at_once_and_goes_on_from_there(place: Place, hub: ToyHub) -> None:
    hub.repositories["toys/model"].files[BIG] = noise(4_000_000)
    hub.faults.pace = 0.05
    began = time.monotonic()
    id = while_running(place, "toys/model", lambda id: place.downloader.orders.wish(id, "pause"))
    assert time.monotonic() - began < 3
    assert place.downloader.orders.shown(id).state == "paused"
    place.downloader.step()
    assert place.downloader.step() is False  # nothing goes on by itself
    hub.faults.pace = 0
    place.downloader.orders.wish(id, "run")
    place.downloader.step()
    assert place.downloader.orders.shown(id).state == "done"
    assert hub.ranges()


def test_a_cancelled_download_leaves_nothing_behind_and_touches_no_other_model(place: Place, hub: ToyHub) -> None:
    place.get()
    hub.repositories["toys/model"].files[BIG] = noise(4_000_000, 8)
    hub.repositories["toys/model"].commit = "9" * 40
    hub.faults.pace = 0.05
    while_running(place, "toys/model", lambda id: place.downloader.orders.wish(id, "cancel"))
    assert [each.state for each in place.downloader.orders.downloads()] == ["done"]
    place.downloader.step()
    assert not list(place.cache.rglob("*.part"))
    snapshot = place.repository / "snapshots" / COMMIT
    assert all((snapshot / path).is_file() for path in files_under(snapshot))
    assert len(files_under(snapshot)) == 8
    assert {path.name for path in (place.repository / "blobs").iterdir()} == {
        (snapshot / path).resolve().name for path in files_under(snapshot)
    }


def test_speed_and_time_left_are_told_while_it_runs(place: Place, hub: ToyHub) -> None:
    hub.repositories["toys/model"].files[BIG] = noise(4_000_000)
    hub.faults.pace = 0.05
    seen = []

    def look(id: str) -> None:
        time.sleep(0.9)
        seen.append(place.downloader.orders.shown(id))
        place.downloader.orders.wish(id, "pause")

    while_running(place, "toys/model", look)
    assert seen[0].state == "running"
    assert seen[0].file == BIG
    assert 300_000 < seen[0].speed < 5_000_000
    assert seen[0].eta == pytest.approx((seen[0].total - seen[0].done) / seen[0].speed)


def test_the_pinned_commit_is_fetched_even_if_the_repository_has_moved_on(place: Place, hub: ToyHub) -> None:
    hub.faults.sick = 0
    id = place.ask("toys/model")
    hub.faults.spoil = 2  # fails after the plan
    place.downloader.step()
    hub.repositories["toys/model"].commit = "9" * 40
    place.downloader.orders.wish(id, "run")
    place.downloader.step()
    assert (place.repository / "refs" / "main").read_text() == COMMIT
    assert all(f"/resolve/{COMMIT}/" in path for server, path, _ in hub.asked if server == "hub" and "/resolve/" in path)


def test_switched_offline_in_mid_file_it_stops_and_what_came_stays(
    place: Place, hub: ToyHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This computer is always reached, so the door is told that it is another one."""
    from studio.web import _http

    hub.repositories["toys/model"].files[BIG] = noise(4_000_000)
    hub.faults.pace = 0.05

    def switch(_: str) -> None:
        monkeypatch.setattr(_http, "is_loopback", lambda _: False)
        place.offline = True

    id = while_running(place, "toys/model", switch)
    shown = place.downloader.orders.shown(id)
    assert (shown.state, "switched offline" in shown.message) == ("failed", True)
    (part,) = place.cache.rglob("*.part")
    assert part.stat().st_size > 50_000


def test_a_download_that_was_done_long_ago_leaves_the_list_and_the_model_stays(place: Place) -> None:
    done = place.get()
    place.downloader.orders.sweep()
    assert [each.id for each in place.downloader.orders.downloads()] == [done.id]
    place.downloader.orders.sweep(seconds=-1)
    assert place.downloader.orders.downloads() == []
    assert (place.repository / "snapshots" / COMMIT / BIG).is_file()


def test_the_same_is_not_asked_for_twice(place: Place) -> None:
    place.ask("toys/model")
    with pytest.raises(InvalidRequest, match="among the downloads already"):
        place.ask("toys/model")


@pytest.mark.parametrize(
    "text", ["", "model", "../../etc", "a/b/../../c.safetensors", "a--b/c", "https://evil.example/a/b", "http://huggingface.co/a/b",
             "a/b/x.txt", "a/b/tree/dev", "a/b/resolve/main/..\\x.safetensors"],
)  # fmt: skip
def test_what_names_no_model_is_refused_before_anything_is_asked(place: Place, hub: ToyHub, text: str) -> None:
    with pytest.raises(InvalidRequest):
        place.ask(text)
    assert hub.asked == []


@pytest.mark.parametrize("text", ["a/b/x.ckpt", "https://huggingface.co/a/b/resolve/main/x.bin", "a/b/x.PT"])
def test_a_pickle_is_refused_by_its_name(place: Place, text: str) -> None:
    with pytest.raises(Rejected, match="can run code"):
        place.ask(text)
