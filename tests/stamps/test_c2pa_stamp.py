"""Content Credentials: what is signed is read back, and each way of tampering is named rightly."""

import io
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from stamp_builders import a_draft

from studio.core.errors import InvalidRequest, StampFailed
from studio.core.evidence import Suspect
from studio.core.request import ImageToImage, Inpaint, Outpaint, Source
from studio.core.result import Draft, Picture
from studio.core.verdict import Verdict
from studio.stamps.c2pa import C2paStamp, ManifestWitness, Parent, read_manifest, sign_copy
from studio.stamps.certificate import Identity, load_or_make
from studio.stamps.text import Coding, FileFormat, TextStamp

FORMATS: tuple[FileFormat, ...] = ("png", "jpeg", "webp")
MARK = {"present": True, "algorithm": "org.studio.tiled-1", "payload": "0123456789ab"}
SOURCE = Source(sha256="a" * 64, width=48, height=32, name="parent.png")
EDITS: dict[str, Any] = {
    "image-to-image": ImageToImage(image=SOURCE),
    "inpaint": Inpaint(image=SOURCE, mask=replace(SOURCE, sha256="b" * 64)),
    "outpaint": Outpaint(image=SOURCE, left=16),
}


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return load_or_make(tmp_path_factory.mktemp("identity"))


def no_source(_: Source) -> bytes:
    raise InvalidRequest("The picture is gone.")


def signed(identity: Identity, format: FileFormat = "png", draft: Draft | None = None, parent: bytes | None = None) -> Draft:
    encoded = TextStamp("0.3.0", Coding(format))(draft or a_draft())
    return C2paStamp(lambda: identity, "0.3.0", no_source if parent is None else lambda _: parent)(encoded)


def look(identity: Identity | None, data: bytes, format: str = "PNG") -> list[Any]:
    return list(ManifestWitness(lambda: identity).look(Suspect(name="x", data=data, format=format)))


@pytest.mark.parametrize("format", FORMATS)
def test_a_signed_file_is_ours_and_trusted_and_its_pixels_are_untouched(identity: Identity, format: FileFormat) -> None:
    before = TextStamp("0.3.0", Coding(format))(a_draft())
    draft = signed(identity, format)
    found = read_manifest(draft.data, draft.suffix, identity)
    assert found is not None
    assert (found.state, found.ours, found.ai, found.problems) == ("trusted", True, True, ())
    assert found.source_types == ("http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",)
    assert found.actions == ("c2pa.created",)
    assert found.stamp is not None
    assert found.stamp["record"] == "job1-0"
    assert found.stamp["settings"]["seed"] == 4294967294
    assert Image.open(io.BytesIO(draft.data)).tobytes() == Image.open(io.BytesIO(before.data)).tobytes()
    assert draft.stamps[-1] == "c2pa"
    assert draft.facts["signature"]["serial"] == identity.serial


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("task", EDITS)
def test_an_edit_names_its_parent_and_carries_the_parents_manifest(
    identity: Identity, format: FileFormat, task: str
) -> None:
    parent = signed(identity).data
    child = signed(identity, format, a_draft(request={"task": EDITS[task]}), parent)
    found = read_manifest(child.data, child.suffix, identity)
    assert found is not None
    assert (found.state, found.ingredients) == ("trusted", 1)
    assert found.actions == ("c2pa.opened", "c2pa.edited")
    assert found.source_types[0].endswith("/compositeWithTrainedAlgorithmicMedia")
    assert parent.count(b"urn:c2pa:")
    assert child.data.count(b"urn:c2pa:") > parent.count(b"urn:c2pa:")


def test_a_source_that_is_gone_or_no_picture_is_a_note_and_the_picture_is_still_signed(identity: Identity) -> None:
    for parent in (None, b"junk", b"\x89PNG\r\n\x1a\n"):
        child = signed(identity, draft=a_draft(request={"task": EDITS["image-to-image"]}), parent=parent)
        assert any("does not name the source" in note for note in child.notes)
        found = read_manifest(child.data, ".png", identity)
        assert found is not None
        assert found.state == "trusted"


def test_a_providers_signed_original_is_kept_as_the_parent(identity: Identity, tmp_path: Path) -> None:
    provider = load_or_make(tmp_path / "provider")
    original = signed(provider).data
    picture = Picture(image=Image.new("RGB", (48, 32), "red"), seed=1, original=original)
    found = read_manifest(signed(identity, draft=a_draft(picture=picture)).data, ".png", identity)
    assert found is not None
    assert (found.state, found.ingredients, found.actions[0]) == ("trusted", 1, "c2pa.opened")


def test_the_watermark_is_bound_and_detector_and_policy_stand_in_our_assertion(identity: Identity) -> None:
    score = {"detector": "starter", "revision": "1", "raw": 2.5, "probability": None, "verdict": "uncertain"}
    verdict = Verdict(check="words", outcome="flag", reason_code="violence")
    draft = signed(identity, draft=a_draft(facts={"watermark": MARK, "detector": [score]}, verdicts=(verdict,)))
    found = read_manifest(draft.data, ".png", identity)
    assert found is not None
    assert (found.state, found.actions) == ("trusted", ("c2pa.created", "c2pa.watermarked.bound"))
    assert found.stamp is not None
    assert found.stamp["detector"] == [score]
    assert found.stamp["policy"] == [{"check": "words", "outcome": "flag", "reason_code": "violence"}]


def test_the_prompt_is_not_in_the_manifest(identity: Identity) -> None:
    bare = Coding("png").encode(Image.new("RGB", (32, 32)))
    draft = C2paStamp(lambda: identity, "1", no_source)(replace(a_draft("a very secret prompt"), data=bare))
    assert b"secret" not in draft.data


def test_one_changed_byte_an_added_chunk_and_a_new_save_are_each_named_rightly(identity: Identity) -> None:
    data = signed(identity).data
    changed = bytearray(data)
    changed[data.index(b"IDAT") + 20] ^= 1
    assert "changed after it was signed" in look(identity, bytes(changed))[0].finding
    chunk = b"\0\0\0\4tEXta\0bc" + (0).to_bytes(4, "big")
    added = data[: data.index(b"IDAT") - 4] + chunk + data[data.index(b"IDAT") - 4 :]
    assert "changed after it was signed" in look(identity, added)[0].finding
    for tampered in (bytes(changed), added):
        assert not look(identity, tampered)[0].declared
    again = io.BytesIO()
    Image.open(io.BytesIO(data)).save(again, "PNG", pnginfo=PngInfo())
    assert look(identity, again.getvalue()) == []


def test_another_studios_signature_is_valid_but_neither_ours_nor_trusted(identity: Identity, tmp_path: Path) -> None:
    other = load_or_make(tmp_path / "other")
    data = signed(other).data
    found = read_manifest(data, ".png", identity)
    assert found is not None
    assert (found.state, found.ours) == ("valid", False)
    (row,) = look(identity, data)
    assert row.declared
    assert row.record == ""
    assert "does not know" in row.finding
    assert (
        "trust list"
        in ManifestWitness(lambda: identity, other.ca_pem).look(Suspect(name="x", data=data, format="PNG"))[0].finding
    )


def test_our_own_row_leads_to_the_record(identity: Identity) -> None:
    (row,) = look(identity, signed(identity).data)
    assert (row.declared, row.side, row.strength, row.record) == (True, "ai", "strong", "job1-0")


@pytest.mark.parametrize("carry", [True, False])
def test_a_share_copy_has_the_kept_picture_as_parent_and_always_the_label(identity: Identity, carry: bool) -> None:
    kept, bare = signed(identity).data, Coding("jpeg").encode(Image.new("RGB", (24, 16), "teal"))
    copy = sign_copy(bare, ".jpg", Parent("kept.png", "image/png", kept), identity, "1", title="copy", carry=carry,
                     task_kind="text-to-image", marked=MARK, changes=("c2pa.resized", "c2pa.published"))  # fmt: skip
    found = read_manifest(copy, ".jpg", identity)
    assert found is not None
    assert (found.state, found.ai, found.ingredients) == ("trusted", True, 1)
    assert found.actions == ("c2pa.opened", "c2pa.resized", "c2pa.published", "c2pa.watermarked.bound")
    assert (b"guidance_scale" in copy) is carry


def test_a_file_that_cannot_be_signed_is_a_sentence_without_the_key(identity: Identity) -> None:
    with pytest.raises(StampFailed, match="could not be signed") as caught:
        C2paStamp(lambda: identity, "1", no_source)(replace(a_draft(), data=b"no picture"))
    assert "PRIVATE" not in str(caught.value) + repr(caught.value)


def test_neither_signing_nor_reading_opens_a_socket(identity: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    draft = signed(identity)
    assert read_manifest(draft.data, ".png", identity) is not None


@pytest.mark.parametrize("format", FORMATS)
def test_damaged_signed_files_never_raise(identity: Identity, format: FileFormat) -> None:
    draft = signed(identity, format)
    data = draft.data
    for place in range(0, len(data), max(1, len(data) // 60)):
        flipped = bytearray(data)
        flipped[place] ^= 0xFF
        for bad in (data[:place], bytes(flipped)):
            found = read_manifest(bad, draft.suffix, identity)
            assert found is None or found.state in ("trusted", "valid", "invalid")
