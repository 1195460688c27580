"""The rules of the code that no tool checks."""

from __future__ import annotations

import ast
import dataclasses
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio import plugins, settings
from studio.hosting import hosted_of

ROOT = Path(__file__).resolve().parent.parent
STUDIO = sorted((ROOT / "studio").rglob("*.py"))
OURS = [ROOT / "studio.py", *STUDIO, *sorted((ROOT / "tests").rglob("*.py"))]
DEVICE_CODE = ("backends/local/", "classification/", "detectors/", "starter/")
DOORS = {
    "torch": DEVICE_CODE,
    "diffusers": DEVICE_CODE,
    "transformers": DEVICE_CODE,
    "gradio": ("ui/",),
    "dbos": ("engine/",),
    "httpx": ("web/_http.py",),
    "c2pa": ("stamps/c2pa.py",),
    "tenacity": ("web/patience.py",),
    "keyring": ("keys.py",),
    "argon2": ("library/people.py",),
    "reportlab": ("engine/report_pdf.py",),
    "webview": ("cli/window.py",),
}
"""Outside package → the only places of ours that may import it, even inside a function."""

OTHER_WAYS_OUT = re.compile(
    r"^\s*(?:import|from)\s+(requests|aiohttp|httpx2|urllib3|httpcore|websockets?|http\.client|urllib\.request|ftplib|smtplib|"
    r"telnetlib|xmlrpc|pycurl|boto3|huggingface_hub)\b",
    re.MULTILINE,
)
"""Imports by which a module could reach the network past the one door."""

DANGERS = {"trust_remote_code", "custom_pipeline", "allow_pickle", "weights_only"}
VAGUE = re.compile(r"(Manager|Helper|Utils?|Base|Impl)$")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(module: ast.Module) -> Iterator[str]:
    """The packages a module imports anywhere, first part only; imports within the same package are left out."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def reads_environment(module: ast.Module) -> bool:
    names = {"environ", "environb", "getenv", "putenv"}
    attributes = {ast.unparse(node) for node in ast.walk(module) if isinstance(node, ast.Attribute)}
    froms = [node for node in ast.walk(module) if isinstance(node, ast.ImportFrom) and node.module == "os"]
    imported = {alias.name for node in froms for alias in node.names}
    return bool(names & imported or {f"os.{name}" for name in names} & attributes)


def dangers(module: ast.Module) -> Iterator[str]:
    """Uses that run foreign code: pickles, eval, exec, and the switches of libraries that download and run Python."""
    for node in ast.walk(module):
        if isinstance(node, ast.keyword) and node.arg in DANGERS and not is_safe(node):
            yield str(node.arg)
        elif (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec", "__import__")
        ):
            yield node.func.id
    yield from {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"} & set(imports(module))


def is_safe(keyword: ast.keyword) -> bool:
    """`weights_only=True` is the safe value of its switch; of every other switch it is False."""
    return isinstance(keyword.value, ast.Constant) and keyword.value.value is (keyword.arg == "weights_only")


def calls_torch_load_unguarded(module: ast.Module) -> bool:
    calls = [node for node in ast.walk(module) if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load"]
    return any("weights_only" not in {keyword.arg for keyword in call.keywords} for call in calls)


def test_no_file_is_longer_than_400_lines() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in OURS}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_every_module_says_what_it_is() -> None:
    assert [name_of(path) for path in [ROOT / "studio.py", *STUDIO] if not ast.get_docstring(tree(path))] == []


def test_only_settings_and_studio_py_read_the_environment() -> None:
    assert [name_of(path) for path in STUDIO if reads_environment(tree(path))] == ["studio/settings.py"]


def test_nothing_runs_foreign_code() -> None:
    found = [f"{name_of(path)}: {what}" for path in STUDIO for what in dangers(tree(path))]
    assert found == []
    assert [name_of(path) for path in STUDIO if calls_torch_load_unguarded(tree(path))] == []


def test_each_outside_package_has_one_door() -> None:
    wrong = [
        f"{name_of(path)} imports {package}"
        for path in STUDIO
        for package in set(imports(tree(path)))
        if not name_of(path).removeprefix("studio/").startswith(DOORS.get(package, ("",)))
    ]
    assert wrong == []


def test_the_door_is_the_only_way_to_the_network() -> None:
    """The set-up comes before it, and installs with pip; the page listens on a socket and calls nobody."""
    texts = {name_of(path): path.read_text(encoding="utf-8") for path in STUDIO if "setup" not in path.parts}
    assert [name for name, text in texts.items() if OTHER_WAYS_OUT.search(text)] == []
    users = [name for name, text in texts.items() if re.search(r"^\s*import socket|^\s*from socket", text, re.MULTILINE)]
    assert users == ["studio/ui/app.py"]
    assert ".connect(" not in texts["studio/ui/app.py"]


@pytest.mark.parametrize(
    "code", ["import requests", "from urllib.request import urlopen", "    import http.client", "import httpx2 as x"]
)
def test_the_search_for_other_ways_finds_them(code: str) -> None:
    assert OTHER_WAYS_OUT.search(f"x = 1\n{code}\n")
    assert not OTHER_WAYS_OUT.search("from urllib.parse import quote\nimport requests_of_ours\n")


def test_the_set_up_imports_the_standard_library_and_itself_only() -> None:
    set_up = [ROOT / "studio.py", ROOT / "studio" / "__init__.py", *(ROOT / "studio" / "setup").glob("*.py")]
    foreign = {package for path in set_up for package in imports(tree(path))} - sys.stdlib_module_names - {"studio"}
    assert foreign == set()
    own = {
        node.module
        for path in set_up
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("studio")
    }
    assert {name for name in own if not str(name).startswith("studio.setup")} == {"studio.main"}


def test_every_folder_of_the_package_is_a_package() -> None:
    assert sorted({name_of(path.parent) for path in STUDIO if not (path.parent / "__init__.py").exists()}) == []


def test_names_come_from_the_users_world() -> None:
    classes = [
        f"{name_of(path)}: {node.name}"
        for path in STUDIO
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and VAGUE.search(node.name)
    ]
    assert classes == []


@pytest.mark.slow
def test_the_studio_process_never_loads_torch() -> None:
    code = (
        "import sys, studio.main, studio.ui.app, studio.plugins\n"
        "from studio.settings import load\n"
        "[backend.models() for backend in studio.plugins.backends(load())]\n"
        "print(*{'torch', 'diffusers', 'transformers'} & set(sys.modules))"
    )
    fresh = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (fresh.returncode, fresh.stdout.strip()) == (0, ""), fresh.stderr


@pytest.mark.parametrize(
    "code",
    [
        "eval('1')",
        "exec('1')",
        "import pickle",
        "def f():\n    from pickle import loads",
        "P.from_pretrained('x', trust_remote_code=True)",
        "P.from_pretrained('x', custom_pipeline='x')",
        "np.load('x', allow_pickle=True)",
        "torch.load('x', weights_only=False)",
    ],
)
def test_the_search_for_foreign_code_finds_it(code: str) -> None:
    assert list(dangers(ast.parse(code))) != []
    assert list(dangers(ast.parse("model.eval()\ntorch.load('x', weights_only=True)"))) == []


@pytest.mark.parametrize("code", ["import os\nos.environ['A']", "import os\nos.getenv('A')", "from os import environ"])
def test_the_search_for_the_environment_finds_it(code: str) -> None:
    assert reads_environment(ast.parse(code))
    assert not reads_environment(ast.parse("import os\nos.replace('a', 'b')"))


def test_every_setting_stands_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [field.name for field in dataclasses.fields(settings.Settings) if f"`{field.name}`" not in readme] == []


def test_every_provider_and_every_key_stands_in_the_readme(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    backends = hosted_of(plugins.backends(settings.Settings(data=tmp_path)))
    assert len(backends) >= 14
    assert [backend.name for backend in backends if f"`{backend.name}`" not in readme] == []
    assert [name for name in settings.KEYS if f"`{name}`" not in readme] == []
    assert {name for backend in backends for name in backend.about.keys} <= set(settings.PROVIDER_KEYS)


def test_every_variable_and_command_stands_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    set_up = "".join(
        path.read_text(encoding="utf-8") for path in [ROOT / "studio.py", *(ROOT / "studio" / "setup").glob("*.py")]
    )
    variables = set(re.findall(r"\bSTUDIO_[A-Z_]+\b", set_up + (settings.__doc__ or "")))
    commands = re.findall(r"^  (generate|audit|erase|providers|people|reindex|doctor|test)\b", set_up, flags=re.MULTILINE)
    assert len(commands) == 8
    wanted = variables | {f"studio.py {command}" for command in commands}
    assert sorted(word for word in wanted if word not in readme) == []
