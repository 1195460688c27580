"""Samplers by the names creators know, mapped to diffusers schedulers in one table. Importing this needs no torch.

Every entry states all of its options, because a model's own scheduler configuration would otherwise shine through
(a base with Karras sigmas would turn "DPM++ 2M" into "DPM++ 2M Karras").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

_PLAIN = {"use_karras_sigmas": False, "use_exponential_sigmas": False, "use_beta_sigmas": False}
_KARRAS = {**_PLAIN, "use_karras_sigmas": True}
_EXPONENTIAL = {**_PLAIN, "use_exponential_sigmas": True}
_BETA = {**_PLAIN, "use_beta_sigmas": True}
_2M = {"algorithm_type": "dpmsolver++", "solver_order": 2, "solver_type": "midpoint", "lower_order_final": True}
_2M_SDE = {**_2M, "algorithm_type": "sde-dpmsolver++"}
_3M_SDE = {**_2M_SDE, "solver_order": 3}
_UNIPC = {"solver_order": 2, "solver_type": "bh2", "lower_order_final": True}
_DEIS = {"algorithm_type": "deis", "solver_type": "logrho", "solver_order": 2, "lower_order_final": True}


@dataclass(frozen=True)
class Sampler:
    """A diffusers scheduler class, its options, and the package it needs beyond diffusers."""

    scheduler: str
    options: Mapping[str, Any] = field(default_factory=dict)
    needs: str = ""


DIFFUSION: dict[str, Sampler] = {
    "Euler": Sampler("EulerDiscreteScheduler", _PLAIN),
    "Euler Karras": Sampler("EulerDiscreteScheduler", _KARRAS),
    "Euler a": Sampler("EulerAncestralDiscreteScheduler"),
    "Heun": Sampler("HeunDiscreteScheduler", _PLAIN),
    "Heun Karras": Sampler("HeunDiscreteScheduler", _KARRAS),
    "DPM2": Sampler("KDPM2DiscreteScheduler", _PLAIN),
    "DPM2 Karras": Sampler("KDPM2DiscreteScheduler", _KARRAS),
    "DPM2 a": Sampler("KDPM2AncestralDiscreteScheduler", _PLAIN),
    "DPM2 a Karras": Sampler("KDPM2AncestralDiscreteScheduler", _KARRAS),
    "DPM++ 2M": Sampler("DPMSolverMultistepScheduler", {**_2M, **_PLAIN}),
    "DPM++ 2M Karras": Sampler("DPMSolverMultistepScheduler", {**_2M, **_KARRAS}),
    "DPM++ 2M Exponential": Sampler("DPMSolverMultistepScheduler", {**_2M, **_EXPONENTIAL}),
    "DPM++ 2M Beta": Sampler("DPMSolverMultistepScheduler", {**_2M, **_BETA}, "scipy"),
    "DPM++ 2M SDE": Sampler("DPMSolverMultistepScheduler", {**_2M_SDE, **_PLAIN}),
    "DPM++ 2M SDE Karras": Sampler("DPMSolverMultistepScheduler", {**_2M_SDE, **_KARRAS}),
    "DPM++ 2M SDE Heun": Sampler("DPMSolverMultistepScheduler", {**_2M_SDE, "solver_type": "heun", **_PLAIN}),
    "DPM++ 3M SDE": Sampler("DPMSolverMultistepScheduler", {**_3M_SDE, **_PLAIN}),
    "DPM++ 3M SDE Karras": Sampler("DPMSolverMultistepScheduler", {**_3M_SDE, **_KARRAS}),
    "DPM++ 2S": Sampler("DPMSolverSinglestepScheduler", {**_2M, **_PLAIN}),
    "DPM++ 2S Karras": Sampler("DPMSolverSinglestepScheduler", {**_2M, **_KARRAS}),
    "DPM++ SDE": Sampler("DPMSolverSDEScheduler", _PLAIN, "torchsde"),
    "DPM++ SDE Karras": Sampler("DPMSolverSDEScheduler", _KARRAS, "torchsde"),
    "DDIM": Sampler("DDIMScheduler"),
    "DDPM": Sampler("DDPMScheduler"),
    "PNDM": Sampler("PNDMScheduler", {"skip_prk_steps": True}),
    "UniPC": Sampler("UniPCMultistepScheduler", {**_UNIPC, **_PLAIN}),
    "UniPC Karras": Sampler("UniPCMultistepScheduler", {**_UNIPC, **_KARRAS}),
    "DEIS": Sampler("DEISMultistepScheduler", {**_DEIS, **_PLAIN}),
    "DEIS Karras": Sampler("DEISMultistepScheduler", {**_DEIS, **_KARRAS}),
    "LMS": Sampler("LMSDiscreteScheduler", _PLAIN, "scipy"),
    "LMS Karras": Sampler("LMSDiscreteScheduler", _KARRAS, "scipy"),
    "SA-Solver": Sampler("SASolverScheduler", {"algorithm_type": "data_prediction", **_PLAIN}),
    "LCM": Sampler("LCMScheduler"),
    "TCD": Sampler("TCDScheduler"),
}

_FLOW = {"prediction_type": "flow_prediction", "use_flow_sigmas": True, **_PLAIN}

FLOW: dict[str, Sampler] = {
    "Euler": Sampler("FlowMatchEulerDiscreteScheduler", {**_PLAIN, "stochastic_sampling": False}),
    "DPM++ 2M": Sampler("DPMSolverMultistepScheduler", {**_2M, **_FLOW}),
    "DPM++ 2S": Sampler("DPMSolverSinglestepScheduler", {**_2M, **_FLOW}),
    "UniPC": Sampler("UniPCMultistepScheduler", {**_UNIPC, **_FLOW}),
    "DEIS": Sampler("DEISMultistepScheduler", {**_DEIS, **_FLOW}),
}
"""For flow-matching models (SD3, FLUX): only samplers that integrate their straight paths."""
ON_PICTURES = "Euler"
"""The one of them that knows how noisy a picture is at a step (diffusers' `scale_noise`), which editing needs."""


def names(table: Mapping[str, Sampler]) -> tuple[str, ...]:
    """Samplers of `table` whose packages are installed, in the table's order."""
    return tuple(name for name, sampler in table.items() if not sampler.needs or _installed(sampler.needs))


@lru_cache
def _installed(package: str) -> bool:
    return find_spec(package) is not None


def name_of(scheduler: str, config: Mapping[str, Any], table: Mapping[str, Sampler]) -> str:
    """The name for a model's own scheduler, or "" where the table has none."""
    for name, sampler in table.items():
        if sampler.scheduler == scheduler and all(config.get(key, value) == value for key, value in sampler.options.items()):
            return name
    return ""


def distilled_steps(steps: int) -> int:
    """Steps of the schedule from which a consistency model's `steps` are picked; 50 is what such models are made with."""
    return max(50, steps)


def build(name: str, table: Mapping[str, Sampler], base: Mapping[str, Any], *, steps: int, seed: int) -> Any:
    """A fresh diffusers scheduler for `name` on the model's own noise schedule `base`, which is left untouched.

    `seed` goes to the one scheduler that draws its noise outside the pipeline's generator.
    """
    import diffusers

    sampler = table[name]
    options = dict(sampler.options)
    if sampler.scheduler == "DPMSolverSDEScheduler":
        options["noise_sampler_seed"] = seed
    if sampler.scheduler in ("LCMScheduler", "TCDScheduler"):
        options["original_inference_steps"] = distilled_steps(steps)
    if options.get("use_flow_sigmas"):
        options["flow_shift"] = base.get("shift", 1.0)
    return getattr(diffusers, sampler.scheduler).from_config(dict(base), **options)
