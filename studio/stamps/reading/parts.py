"""What a walk over a file's bytes brings home, and how a walk ends."""

from __future__ import annotations

from dataclasses import dataclass, field

from studio.stamps.reading.limits import MAX_ALL_TEXT, MAX_TEXTS

CUT = "its end is missing"
TOO_MANY = "it has too many parts"
TOO_LARGE = "a text in it is too large to be read"


@dataclass
class Parts:
    """What lies in a file. `problems` are the ends of sentences; `trailing` counts bytes behind the picture's end.

    `exif` starts at its TIFF header. `whole` is set once the walk met the first part that every such file has.
    """

    format: str = ""
    width: int = 0
    height: int = 0
    texts: dict[str, str] = field(default_factory=dict)
    exif: bytes = b""
    xmp: bytes | str = b""
    signed: bool = False
    trailing: int = 0
    problems: list[str] = field(default_factory=list)
    whole: bool = False
    spent: int = 0

    @property
    def is_full(self) -> bool:
        """No more texts are read."""
        return self.spent > MAX_ALL_TEXT or len(self.texts) >= MAX_TEXTS

    def add_text(self, keyword: str, text: str) -> None:
        """The first text of a keyword counts."""
        self.spent += len(text)
        if self.is_full:
            self.complain(TOO_LARGE)
        elif keyword:
            self.texts.setdefault(keyword, text)

    def add_exif(self, block: memoryview, most: int) -> None:
        if bytes(block[:6]) == b"Exif\0\0":
            block = block[6:]
        if len(block) > most:
            self.complain("its EXIF block is too large and was not read")
        elif not self.exif:
            self.exif = bytes(block)

    def add_xmp(self, packet: memoryview, most: int) -> None:
        if len(packet) > most:
            self.complain("its XMP is too large and was not read")
        elif not self.xmp:
            self.xmp = bytes(packet)

    def complain(self, problem: str) -> None:
        if problem not in self.problems:
            self.problems.append(problem)


class Broken(Exception):
    """The rest of the file cannot be walked; the text is the end of a sentence."""
