"""Every text the page may show, read from the code: Python by its syntax tree, scripts and HTML by their quotes and tags.

What changes within a text stands as {0}, {1}. `python tests/ui/visible_texts.py` prints what the catalogues lack.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UI = ROOT / "studio" / "ui"
HOLE = "\x00"
SHOWN = ("placeholder", "title", "aria-label", "alt", "data-title")


class Texts(HTMLParser):
    """The text nodes and shown attributes of a piece of HTML."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._silent = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent = tag if tag in ("script", "style", "code", "pre", "kbd") else ""
        self.found += [value for name, value in attrs if name in SHOWN and value]

    def handle_endtag(self, tag: str) -> None:
        self._silent = ""

    def handle_data(self, data: str) -> None:
        if self._silent == "script":
            self.found += in_script(data)
        elif not self._silent:
            self.found.append(data)


def in_html(text: str) -> list[str]:
    reader = Texts()
    reader.feed(text)
    reader.close()
    return reader.found


def pieces(text: str) -> list[str]:
    """What of a literal comes on the page as one text each."""
    return in_html(text) if re.search(r"</?[a-z][^>]*>?|&\w+;", text) else [text]


def key_of(text: str) -> str:
    """White space as the page shows it, and the holes numbered."""
    text = re.sub(rf"^{HOLE}(?=[A-Za-z])", "", " ".join(text.split()))  # an icon before a button's words
    numbers = iter(range(99))
    return re.sub(HOLE, lambda _: f"{{{next(numbers)}}}", text)


def in_python(source: str) -> Iterator[str]:
    tree = ast.parse(source)
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            silent |= {id(part) for part in node.values if isinstance(part, ast.Constant)}
        elif isinstance(node, ast.FormattedValue) and node.format_spec:
            silent |= {id(part) for part in ast.walk(node.format_spec)}
    for node in ast.walk(tree):
        if id(node) in silent:
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else HOLE for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


QUOTED = re.compile(r"'((?:\\.|[^'\\\n])*)'|\"((?:\\.|[^\"\\\n])*)\"")
SKIPPED = re.compile(
    r"(?<![:\w])//[^\n]*"  # a comment
    r"|(?<=[(,=:!&|?{};\[])\s*/(?![/*])(?:\\.|\[(?:\\.|[^\]\n])*\]|[^/\n\\\[])+/[a-z]*"  # a regular expression
)


def in_script(source: str) -> Iterator[str]:
    """The quoted texts of JavaScript; a template's inner expressions are read too."""
    at = 0
    while at < len(source):
        if found := QUOTED.match(source, at):
            yield _unquoted(found[1] or found[2] or "")
            at = found.end()
        elif source[at] == "`":
            text, inner, at = _template(source, at + 1)
            yield text
            for expression in inner:
                yield from in_script(expression)
        elif skipped := SKIPPED.match(source, at):
            at = skipped.end()
        else:
            at += 1


def _template(source: str, at: int) -> tuple[str, list[str], int]:
    text, inner = "", []
    while source[at] != "`":
        if source[at] == "\\":
            text, at = text + source[at + 1], at + 2
        elif source.startswith("${", at):
            start, at = at + 2, _end_of_expression(source, at + 2)
            inner.append(source[start:at])
            text, at = text + HOLE, at + 1
        else:
            text, at = text + source[at], at + 1
    return text, inner, at + 1


def _end_of_expression(source: str, at: int) -> int:
    depth = 0
    while source[at] != "}" or depth:
        if source[at] == "`":
            _, _, at = _template(source, at + 1)
            continue
        if source[at] in "\"'":
            sign, at = source[at], at + 1
            while source[at] != sign:
                at += 2 if source[at] == "\\" else 1
        depth += {"{": 1, "}": -1}.get(source[at], 0)
        at += 1
    return at


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def literals(file: Path) -> Iterator[str]:
    source = file.read_text("utf-8")
    match file.suffix:
        case ".py":
            yield from in_python(source)
        case ".js":
            yield from in_script(source)
        case ".html":
            yield source


def everything(folders: tuple[Path, ...] = (UI,)) -> dict[str, str]:
    """Each possible text with the file it stands in."""
    found: dict[str, str] = {}
    for folder in folders:
        for file in sorted(folder.rglob("*")):
            if file.suffix in (".py", ".js", ".html"):
                for literal in literals(file):
                    for piece in pieces(literal):
                        if key := key_of(piece):
                            found.setdefault(key, str(file.relative_to(ROOT)))
    return found


NEVER = (ROOT / "tests" / "ui" / "never_shown.txt").read_text("utf-8").splitlines()
CODE = re.compile(r"[a-z]+\(|=>|===|\[data|^[#.]\w|::|_\w+_|^--|^@|https?://|^[mM]\d|-\w+=\"|data:|^default-src")


def shown() -> list[str]:
    """What of the UI's literals a reader gets to see: words, neither one lower-case word nor code. Those may be more than
    this finds; `never_shown.txt` names what it finds too much."""
    return [key for key in everything() if _is_shown(key) and key not in NEVER]


def _is_shown(key: str) -> bool:
    bare = re.sub(r"\{\d\}", "", key)
    is_word = " " not in key and not re.search(r"[A-Z]", key)
    return bool(re.search(r"[A-Za-z]{2}", bare)) and not is_word and not CODE.search(bare)


if __name__ == "__main__":
    known = json.loads((UI / "languages" / "de.json").read_text("utf-8"))
    print("\n".join(key for key in shown() if key not in known))
