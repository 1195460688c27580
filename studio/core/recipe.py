"""A recorded hosted request as a command that anybody with a key can repeat: cURL or Python, the key as a variable.

What is recorded holds `$NAME` where a key belongs (in headers, and in the fields of the body named in `keys`) and
`{"$file": …}` where a file goes, so nothing secret can come out.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Mapping
from typing import Any

FILE = "$file"
_VARIABLE = re.compile(r"\$([A-Z][A-Z0-9_]*)(\|basic)?")


def as_curl(request: Mapping[str, Any]) -> str:
    """For a POSIX shell; files are read from the folder it runs in."""
    lines = [f"curl --request {request.get('method', 'POST')} {_quoted(str(request.get('url', '')))}"]
    for name, value in (request.get("headers") or {}).items():
        lines.append(f"--header {_quoted(f'{name}: {value}')}")
    if "form" in request:
        lines += [_form(name, value) for name, value in _fields(request["form"])]
    if "json" not in request:
        return " \\\n  ".join(lines)
    lines += ["--header 'content-type: application/json'", "--data-binary @- <<BODY"]
    return " \\\n  ".join(lines) + f"\n{_heredoc(request['json'], request.get('keys') or ())}\nBODY"


def as_python(request: Mapping[str, Any]) -> str:
    """For Python with httpx; files are read from the folder it runs in."""
    call = [json.dumps(request.get("method", "POST")), json.dumps(request.get("url", ""))]
    if headers := request.get("headers"):
        call.append(f"headers={_literal(dict(headers), tuple(headers))}")
    if "json" in request:
        call.append(f"json={_literal(request['json'], request.get('keys') or ())}")
    if "form" in request:
        call.append(
            f"files=[{', '.join(f'({json.dumps(name)}, {_part(value)})' for name, value in _fields(request['form']))}]"
        )
    body = "".join(f"    {argument},\n" for argument in (*call, "timeout=300"))
    code = f"answer = httpx.request(\n{body})\nanswer.raise_for_status()\nprint(answer.headers)"
    needed = [f"import {name}" for name in ("base64", "os") if f"{name}." in code]
    path = ["from pathlib import Path"] if "Path(" in code else []
    return "\n".join([*needed, *path, "", "import httpx", "", code]).lstrip("\n")


def _fields(form: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Fields of a form; several of one name stand one after the other."""
    return [(name, each) for name, value in form.items() for each in (value if isinstance(value, list) else [value])]


def _quoted(text: str) -> str:
    """In double quotes where a variable stands, so that the shell fills it in; else in single ones."""
    if not _VARIABLE.search(text):
        return shlex.quote(text)
    escaped = re.sub(r'(["\\`])', r"\\\1", text)
    return '"' + _VARIABLE.sub(_shell_variable, escaped) + '"'


def _shell_variable(found: re.Match[str]) -> str:
    if found[2]:
        return f"$(printf %s \"${found[1]}\" | base64 | tr -d '\\n')"
    return f"${found[1]}"


def _form(name: str, value: Any) -> str:
    """A text goes as `--form-string`, in which no first letter has a meaning."""
    if _is_file(value):
        file = f"{name}=@{value[FILE]};type={value.get('mime', 'image/png')}"
        return f"--form {shlex.quote(file)}"
    text = f"{name}={value}"
    return f"--form-string {shlex.quote(text)}"


def _heredoc(body: Any, keys: Collection[str]) -> str:
    """JSON in an unquoted here-document: what the shell must not touch is escaped, files and keys are filled in."""
    text = json.dumps(_marked(body, keys), ensure_ascii=False, indent=2)
    text = re.sub(r"([\\$`])", r"\\\1", text)
    text = re.sub(r'"@@key:([A-Z0-9_]+)@@"', r'"$\1"', text)
    return re.sub(r'"@@(file|data):([^@]*)@@([^@]*)@@"', _shell_file, text)


def _shell_file(found: re.Match[str]) -> str:
    prefix = f"data:{found[2]};base64," if found[1] == "data" else ""
    return f"\"{prefix}$(base64 < {shlex.quote(found[3])} | tr -d '\\n')\""


def _marked(value: Any, keys: Collection[str] = ()) -> Any:
    """The body with marks where the shell fills something in."""
    if _is_file(value):
        kind = "data" if value.get("as") == "data-uri" else "file"
        return f"@@{kind}:{value.get('mime', '')}@@{value[FILE]}@@"
    if isinstance(value, Mapping):
        return {name: f"@@key:{item[1:]}@@" if name in keys else _marked(item) for name, item in value.items()}
    return [_marked(item) for item in value] if isinstance(value, list) else value


def _literal(value: Any, keys: Collection[str] = ()) -> str:
    """A Python expression; texts under `keys` hold variables."""
    if _is_file(value):
        text = f"base64.b64encode(Path({json.dumps(value[FILE])}).read_bytes()).decode()"
        return f'"data:{value.get("mime", "image/png")};base64," + {text}' if value.get("as") == "data-uri" else text
    if isinstance(value, Mapping):
        items = ((name, _with_variables(item) if name in keys else _literal(item)) for name, item in value.items())
        return "{" + ", ".join(f"{json.dumps(name)}: {text}" for name, text in items) + "}"
    return f"[{', '.join(_literal(item) for item in value)}]" if isinstance(value, list) else repr(value)


def _with_variables(text: str) -> str:
    """`Bearer $NAME` → `"Bearer " + os.environ["NAME"]`."""
    parts, place = [], 0
    for found in _VARIABLE.finditer(text):
        if before := text[place : found.start()]:
            parts.append(repr(before))
        variable = f'os.environ["{found[1]}"]'
        parts.append(f"base64.b64encode({variable}.encode()).decode()" if found[2] else variable)
        place = found.end()
    return " + ".join([*parts, *([repr(text[place:])] if text[place:] else [])])


def _part(value: Any) -> str:
    if not _is_file(value):
        return f"(None, {str(value)!r})"
    name = json.dumps(value[FILE])
    return f"({name}, Path({name}).read_bytes(), {json.dumps(value.get('mime', 'image/png'))})"


def _is_file(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get(FILE), str)
