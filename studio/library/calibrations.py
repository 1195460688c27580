"""The calibrations of detectors, one JSON file each in `<data>/calibrations/`."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

from studio.core.calibration import Calibration, from_json, to_json
from studio.core.errors import InvalidRequest

log = logging.getLogger("studio")


class CalibrationFiles:
    """`studio.core.ports.Calibrations`."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "calibrations"

    def find(self, detector: str, revision: str) -> Calibration | None:
        path = self._path(detector)
        if not path.is_file():
            return None
        try:
            found = from_json(json.loads(path.read_text(encoding="utf-8")))
        except (InvalidRequest, ValueError, OSError) as error:
            log.warning("%s cannot be used: %s", path.name, error)
            return None
        return found if (found.detector, found.revision) == (detector, revision) else None

    def save(self, calibration: Calibration) -> None:
        """Replace a detector's calibration, whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(calibration.detector)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(to_json(calibration), indent=1) + "\n", encoding="utf-8")
        part.replace(path)

    def _path(self, detector: str) -> Path:
        return self._folder / f"{re.sub(r'[^A-Za-z0-9._-]+', '-', detector).strip('.')}.json"
