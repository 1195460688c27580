"""Several models stay in memory within a budget, the oldest goes first, and switching leaves the memory flat."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from watching import Recorder

from studio.backends.local import LocalBackend, device
from studio.backends.local.placing import weight_bytes
from studio.core.errors import InvalidRequest
from studio.settings import load


@pytest.fixture
def small(zoo):
    """A backend with a budget of so many bytes."""
    return lambda budget: LocalBackend((zoo,), None, warm_bytes=budget)


def use(backend, models, *names):
    for name in names:
        backend.warm(models[name])


def test_a_model_that_was_used_before_is_there_at_once_with_the_same_pixels(small, models, a_request):
    backend, watch = small(10**9), Recorder()
    first = backend.generate(a_request("sd"), models["sd"], Recorder())
    kept = backend._loaded
    backend.generate(a_request("flux"), models["flux"], Recorder())
    assert backend.warm_models() == ["flux", "sd"]
    again = backend.generate(a_request("sd"), models["sd"], watch)
    assert backend._loaded is kept
    assert "loading" not in watch.phases
    assert again.pictures[0].image.tobytes() == first.pictures[0].image.tobytes()
    assert backend.warm_models() == ["sd", "flux"]


def test_the_budget_is_kept_and_the_oldest_goes_first(small, models):
    measuring = small(10**9)
    use(measuring, models, "xl")
    one = weight_bytes(measuring._loaded.pipe)
    budget, used = int(2.5 * one), []
    backend = small(budget)
    for name in ("xl", "sd", "lcm", "xl", "flux", "sd3", "xl-nine", "sd", "chroma"):
        use(backend, models, name)
        used = [name, *(each for each in used if each != name)]
        assert backend.warm_models() == used[: len(backend.warm_models())]
        assert sum(backend._warm._sizes[f"local:{each}"] for each in backend.warm_models()[1:]) <= budget
    assert 2 <= len(backend.warm_models()) < len(used)


def test_without_a_budget_only_the_one_in_use_stays(small, models):
    backend = small(0)
    use(backend, models, "sd", "xl", "flux")
    assert backend.warm_models() == ["flux"]


def test_models_that_wait_make_way_when_memory_is_short(small, models, a_request, monkeypatch):
    backend = small(None)
    use(backend, models, "xl", "sd", "flux")
    assert len(backend.warm_models()) == 3
    monkeypatch.setattr(device, "free_bytes", lambda _: 1_000_000)
    backend.generate(a_request("flux", side=256, steps=1, options={"memory": "full"}), models["flux"], Recorder())
    assert backend.warm_models() == ["flux"]


def test_a_model_whose_files_changed_is_loaded_anew(zoo, tmp_path, models, a_request):
    import shutil

    shutil.copytree(zoo / "sd", tmp_path / "models" / "sd")
    backend = LocalBackend((tmp_path / "models",), None)
    model = next(model for model in backend.models() if model.id == "local:sd")
    backend.warm(model)
    kept = backend._loaded
    shutil.copy(zoo / "strict" / "vae" / "diffusion_pytorch_model.safetensors", tmp_path / "models" / "sd" / "vae")
    backend.warm(model)
    assert backend._loaded is not kept
    assert backend.warm_models() == ["sd"]


@pytest.mark.parametrize(
    ("text", "size"),
    [("", None), ("auto", None), ("0", 0), ("12GB", 12 * 10**9), ("1.5 gb", 15 * 10**8), ("500mb", 5 * 10**8), ("123", 123)],
)  # fmt: skip
def test_the_setting_is_read_as_people_write_sizes(text, size):
    assert load({"STUDIO_WARM_MODELS": text}).warm_bytes == size


def test_a_setting_that_is_no_size_is_a_sentence():
    with pytest.raises(InvalidRequest, match="Write it as 12GB, 500MB or 0"):
        _ = load({"STUDIO_WARM_MODELS": "plenty"}).warm_bytes


SWITCHING = """
import sys, json, pathlib
sys.path[:0] = sys.argv[2:]
import torch
torch.set_num_threads(1)
from studio.backends.local import LocalBackend
from studio.core.request import ImageRequest, Sampling, Size, TextToImage
from watching import Recorder

backend = LocalBackend((pathlib.Path(sys.argv[1]),), None, warm_bytes=0)
models = {model.id.removeprefix("local:"): model for model in backend.models()}

def make(name):
    asked = ImageRequest(model=f"local:{name}", prompt="a house", task=TextToImage(Size(64, 64)),
                         sampling=Sampling(steps=1, guidance_scale=4.0, seed=1, sampler="Euler"))
    backend.generate(asked, models[name], Recorder(previews=False))
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])

order = ["xl", "sd", "flux"]
for name in order * 2:
    make(name)
print(json.dumps([make(order[index % 3]) for index in range(12)]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the resident memory as Linux tells it")
def test_ten_switches_leave_the_memory_flat(zoo):
    """Every model is loaded anew each time, after all three were seen twice."""
    here = Path(__file__).parent
    arguments = [sys.executable, "-c", SWITCHING, str(zoo), str(here), str(here.parents[1])]
    child = subprocess.run(arguments, capture_output=True, text=True, timeout=240, check=False)
    assert child.returncode == 0, child.stderr
    resident = json.loads(child.stdout)
    assert max(resident) <= 1.05 * resident[0]
