"""A picture to start from that carries Content Credentials of somebody else: who signed it is said, and a person decides.

The signature was read already, by the witness that the composition root gave to the screening; its words stand in the
subject's evidence.
"""

from __future__ import annotations

from studio.core.evidence import Evidence
from studio.core.rules import FILE
from studio.core.screening import Subject
from studio.core.verdict import Verdict
from studio.policies import PolicyFile
from studio.settings import Settings


def create(settings: Settings) -> SomebodysCredentials:
    return SomebodysCredentials(PolicyFile(settings.presets / FILE))


class SomebodysCredentials:
    """`studio.core.screening.Check`. Nothing to say of a file without a signature, or with this studio's own."""

    name, light = "credentials", False

    def __init__(self, file: PolicyFile) -> None:
        self._file = file

    def __call__(self, subject: Subject) -> Verdict | None:
        signed = (row for row in subject.evidence if row.kind == "manifest" and row.facts.get("ours") is not True)
        row = next(signed, None)
        if subject.stage != "source" or row is None:
            return None
        policy = self._file.get()
        reason, message = _told(row)
        return Verdict(check=self.name, outcome=policy.credentials, reason_code=reason, message=message,
                       version=policy.version, stage="source")  # fmt: skip


def _told(row: Evidence) -> tuple[str, str]:
    if row.facts.get("state") == "invalid":
        return "source.credentials_broken", (
            "The picture it starts from carries Content Credentials that do not hold. Find out where it comes from first."
        )
    signer = str(row.facts.get("signer") or "") or "somebody"
    return "source.credentials", (
        f"The picture it starts from was signed by “{signer}”. Make sure that you may change and publish it, and name them."
    )
