"""Content Credentials (C2PA 2.2) by c2pa-python: signed last, read with the network shut.

A local signature shows that this studio wrote the file and that nobody changed it since; it is no proof of anything else.
No time-stamp server, no remote manifests, no thumbnails.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from studio.core.errors import InvalidRequest, StampFailed
from studio.core.evidence import Evidence, Suspect
from studio.core.metadata import to_plain
from studio.core.opening import header
from studio.core.request import Source
from studio.core.result import Draft
from studio.stamps import claims
from studio.stamps.certificate import Identity

MIME = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp", ".avif": "image/avif",
    ".gif": "image/gif", ".tif": "image/tiff", ".tiff": "image/tiff", ".heif": "image/heif", ".heic": "image/heic",
}  # fmt: skip
MAX_BYTES = 256 * 1024 * 1024
_SHUT = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True},
    "core": {"allowed_network_hosts": []},
    "builder": {"thumbnail": {"enabled": False}},
}
_WORDS = {
    "assertion.dataHash.mismatch": "the file was changed after it was signed",
    "assertion.hashedURI.mismatch": "a statement in the signature was changed",
    "assertion.missing": "a statement is missing from the signature",
    "claimSignature.mismatch": "the signature was not made for these statements",
    "claimSignature.outsideValidity": "the certificate was not valid when it signed",
    "signingCredential.expired": "the signer's certificate has expired",
    "signingCredential.invalid": "the signer's certificate is not one for pictures",
    "signingCredential.revoked": "the signer's certificate was taken back",
}
_EMPTY: dict[str, Any] = {"claim_generator_info": [{"name": "Studio"}], "assertions": []}
_UNKNOWN_SIGNER = "signingCredential.untrusted"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A file's active manifest. `ours`: signed with this studio's own key. `problems` are sentences' ends.

    `stamp` is our own assertion where there is one; everything but `state` and `ours` is what the signer claims.
    """

    state: Literal["trusted", "valid", "invalid"]
    ours: bool = False
    signer: str = ""
    time: str = ""
    source_types: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    generator: str = ""
    model: str = ""
    ingredients: int = 0
    problems: tuple[str, ...] = ()
    stamp: Mapping[str, Any] | None = None

    @property
    def ai(self) -> bool:
        """Whether it says that a trained model made the picture or a part of it."""
        return any("rainedAlgorithmicMedia" in kind for kind in self.source_types)

    @property
    def captured(self) -> bool:
        return any(kind.endswith(("digitalCapture", "computationalCapture")) for kind in self.source_types)


@dataclass(frozen=True)
class Parent:
    """An ingredient. Its own manifest, if it has one, is carried along."""

    title: str
    mime: str
    data: bytes
    is_parent: bool = True


class C2paStamp:
    """`studio.core.ports.Stamp`: signs the encoded file. `read_source` gives an edit's source."""

    name = "c2pa"

    def __init__(self, identity: Callable[[], Identity], version: str, read_source: Callable[[Source], bytes]) -> None:
        self._identity, self._version, self._read_source = identity, version, read_source

    def __call__(self, draft: Draft) -> Draft:
        """Raises `StampFailed`, or whatever is wrong with the identity."""
        identity = self._identity()
        ingredients, note = self._ingredients(draft)
        from_parent = bool(ingredients) and ingredients[0].is_parent
        manifest = claims.manifest_of(draft, self._version, from_parent=from_parent)
        signed = sign(draft.data or b"", draft.suffix, manifest, identity, *ingredients)
        signature = {"serial": identity.serial, "signer": identity.name, "algorithm": identity.algorithm}
        notes = (*draft.notes, note) if note else draft.notes
        return replace(
            draft, data=signed, facts={**draft.facts, "signature": signature}, notes=notes, stamps=(*draft.stamps, self.name)
        )

    def _ingredients(self, draft: Draft) -> tuple[list[Parent], str]:
        """The edit's source, a provider's own bytes (the first of these is the parent), then what adapters looked at.

        And a note where one cannot be named.
        """
        source, found, note = claims.parent_of(draft), [], ""
        try:
            if source is not None:
                found.append(_as_ingredient(self._read_source(source), source.name or "source"))
            if draft.picture.original:
                found.append(_as_ingredient(draft.picture.original, "as the provider sent it"))
            for other in claims.looked_at(draft):
                part = _as_ingredient(self._read_source(other), other.name or "source of an adapter")
                found.append(replace(part, is_parent=False))
        except InvalidRequest as error:
            note = f"the signature does not name the source: {error}"
        return found, note


def _as_ingredient(data: bytes, title: str) -> Parent:
    """Raises `InvalidRequest` for a file that cannot be one."""
    import c2pa

    format, _ = header(data, title)
    mime = MIME.get(SUFFIXES.get(format, ""))
    if mime is None:
        raise InvalidRequest(f"{title} is a {format}.")
    try:
        with c2pa.Context.from_dict(_SHUT) as context, c2pa.Builder(_EMPTY, context=context) as builder:
            builder.add_ingredient({"title": title, "relationship": "parentOf"}, mime, io.BytesIO(data))
    except c2pa.C2paError as error:
        raise InvalidRequest(f"{title} cannot be one of its ingredients ({_first_line(error)}).") from None
    return Parent(title, mime, data)


def sign(data: bytes, suffix: str, manifest: Mapping[str, Any], identity: Identity, *ingredients: Parent) -> bytes:
    """The signed file; its pixels are untouched. The first ingredient is the parent. Raises `StampFailed`."""
    import c2pa

    signed = io.BytesIO()
    key = c2pa.C2paSignerInfo(identity.algorithm.encode(), identity.chain_pem, identity.key_pem, None)
    try:
        with c2pa.Context.from_dict(_settings(identity)) as context, c2pa.Builder(manifest, context=context) as builder:
            for number, ingredient in enumerate(ingredients):
                parent = {"relationship": "parentOf", "label": claims.PARENT, "instance_id": claims.PARENT}
                told = {
                    "title": ingredient.title,
                    **({"relationship": "componentOf"} if number or not ingredient.is_parent else parent),
                }
                builder.add_ingredient(told, ingredient.mime, io.BytesIO(ingredient.data))
            with c2pa.Signer.from_info(key) as signer:
                builder.sign(signer, MIME[suffix], io.BytesIO(data), signed)
    except c2pa.C2paError as error:
        raise StampFailed(
            f"The picture could not be signed, so it was not saved: {_first_line(error)}. Try again."
        ) from None
    return signed.getvalue()


def sign_copy(
    data: bytes, suffix: str, kept: Parent, identity: Identity, version: str, *,
    title: str, task_kind: str, marked: Mapping[str, Any], changes: tuple[str, ...], carry: bool,
) -> bytes:  # fmt: skip
    """A signed share copy with the kept picture as its ingredient; `carry` lets the kept one's statements go along.

    Otherwise only the kept picture's name stands there: its manifest tells seed and settings. Raises `StampFailed`.
    """
    manifest = claims.copy_manifest(title, version, task_kind, marked, changes=changes)
    return sign(data, suffix, manifest, identity, kept if carry else Parent(kept.title, MIME[suffix], data))


def read_manifest(data: bytes, suffix: str, identity: Identity | None, trust_pem: bytes = b"") -> Manifest | None:
    """The active manifest of a file with this suffix; None if there is none, or the format has none. Never raises."""
    import c2pa

    mime = MIME.get(suffix.lower())
    if mime is None or len(data) > MAX_BYTES:
        return None
    try:
        with (
            c2pa.Context.from_dict(_settings(identity, trust_pem)) as context,
            c2pa.Reader(mime, io.BytesIO(data), context=context) as reader,
        ):
            told: dict[str, Any] = json.loads(reader.json())
            state = reader.get_validation_state() or "Invalid"
    except c2pa.C2paError as error:
        if "ManifestNotFound" in str(error):
            return None
        return Manifest(state="invalid", problems=(f"it cannot be read ({_first_line(error)})",))
    except (ValueError, RecursionError):
        return Manifest(state="invalid", problems=("it cannot be read",))
    return _manifest(told, state, identity)


def _settings(identity: Identity | None, trust_pem: bytes = b"") -> dict[str, Any]:
    trust = {}
    if identity is not None:
        trust["user_anchors"] = (identity.ca_pem or _last(identity.chain_pem)).decode()
    if trust_pem:
        trust["trust_anchors"] = trust_pem.decode("ascii", "replace")
    return {**_SHUT, "trust": trust}


def _last(chain: bytes) -> bytes:
    """The certificate nearest to the root."""
    mark = b"-----BEGIN CERTIFICATE-----"
    return mark + chain.rpartition(mark)[2]


def _manifest(told: Mapping[str, Any], state: str, identity: Identity | None) -> Manifest:
    active: Mapping[str, Any] = (told.get("manifests") or {}).get(told.get("active_manifest")) or {}
    signature: Mapping[str, Any] = active.get("signature_info") or {}
    actions = _actions(active)
    own_serial = identity is not None and _text(signature.get("cert_serial_number")) == str(int(identity.serial, 16))
    results = (told.get("validation_results") or {}).get("activeManifest") or {}
    stamps = [entry.get("data") for entry in active.get("assertions") or () if entry.get("label") == claims.STAMP]
    models = [
        entry.get("data") or {} for entry in active.get("assertions") or () if entry.get("label") == "c2pa.ai-disclosure"
    ]
    generators = active.get("claim_generator_info") or [{}]
    return Manifest(
        state="trusted" if state == "Trusted" else "valid" if state == "Valid" else "invalid",
        ours=state == "Trusted" and own_serial,
        signer=_text(signature.get("common_name") or signature.get("issuer")),
        time=_text(signature.get("time")),
        source_types=tuple(_text(action.get("digitalSourceType")) for action in actions if action.get("digitalSourceType")),
        actions=tuple(_text(action.get("action")) for action in actions),
        generator=_text(" ".join(str(generators[0].get(key, "")) for key in ("name", "version"))),
        model=_text(models[0].get("modelName")) if models else "",
        ingredients=len(active.get("ingredients") or ()),
        problems=_problems(results.get("failure") or ()),
        stamp=stamps[0] if stamps and isinstance(stamps[0], dict) else None,
    )


def _actions(active: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for entry in active.get("assertions") or ():
        if _text(entry.get("label")).startswith("c2pa.actions"):
            found += [action for action in (entry.get("data") or {}).get("actions") or () if isinstance(action, dict)]
    return found[:1000]


def _problems(failures: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    codes = dict.fromkeys(_text(failure.get("code")) for failure in failures)
    return tuple(_WORDS.get(code, code) for code in codes if code != _UNKNOWN_SIGNER)[:20]


def _text(value: Any) -> str:
    return str(value or "").strip()[:300]


def _first_line(error: Exception) -> str:
    return _text(str(error).split("\n")[0])


class ManifestWitness:
    """`studio.core.evidence.Witness`: what a file's Content Credentials say. No credentials, no row."""

    name = "manifest"

    def __init__(self, identity: Callable[[], Identity | None], trust_pem: bytes = b"") -> None:
        self._identity, self._trust = identity, trust_pem

    def look(self, suspect: Suspect) -> Sequence[Evidence]:
        found = read_manifest(suspect.data, SUFFIXES.get(suspect.format, ""), self._identity(), self._trust)
        return [] if found is None else [_row(found)]


SUFFIXES = {"PNG": ".png", "JPEG": ".jpg", "MPO": ".jpg", "WEBP": ".webp", "AVIF": ".avif", "GIF": ".gif", "TIFF": ".tif"}
"""By Pillow's name of the format."""
_FAKED = "whoever holds a signing key can claim anything; anyone can remove a signature"


def _row(found: Manifest) -> Evidence:
    facts = to_plain(
        {
            "state": found.state, "ours": found.ours, "signer": found.signer, "time": found.time, "model": found.model,
            "software": found.generator, "actions": found.actions, "source_types": found.source_types,
            "ingredients": found.ingredients, "problems": found.problems,
        }
    )  # fmt: skip
    if found.state == "invalid":
        why = "; ".join(found.problems) or "it does not fit"
        sentence = f"Content Credentials that do not hold: {why}."
        return Evidence(kind="manifest", finding=sentence, strength="fair", faked_by="any edit after signing", facts=facts)
    record = _text((found.stamp or {}).get("record")) if found.ours else ""
    row = Evidence(kind="manifest", finding=f"Content Credentials {_who(found)}: {_what(found)}.", strength="weak",
                   faked_by=_FAKED, record=record, facts=facts)  # fmt: skip
    if found.ai:
        return replace(row, strength="strong", side="ai", declared=True)
    if found.captured and found.state == "trusted" and not found.ours:
        return replace(row, strength="strong", side="not-ai")
    return row


def _who(found: Manifest) -> str:
    if found.ours:
        return "signed by this studio"
    known = "whose certificate is on your trust list" if found.state == "trusted" else "whom this studio does not know"
    return f"signed by “{found.signer or 'somebody'}”, {known}"


def _what(found: Manifest) -> str:
    if found.ai:
        whole = any(kind.endswith("/trainedAlgorithmicMedia") for kind in found.source_types)
        return "made by a trained model" if whole else "a given picture, changed by a trained model"
    return "captured by a camera" if found.captured else "nothing is said of AI"
