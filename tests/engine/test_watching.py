"""Progress, previews and their price."""

from memory_receipts import MemoryReceipts
from PIL import Image

from studio.core.job import Job, Progress
from studio.core.request import ImageRequest
from studio.engine.watching import JobWatch

JOB = Job(id="job", request=ImageRequest(model="toy:one", prompt="a dog"), state="running")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Rows:
    """The two methods of a job store that a watch uses."""

    def __init__(self) -> None:
        self.reports: list[Progress] = []
        self.cancelled = False

    def cancel_requested(self, id: str) -> bool:
        return self.cancelled

    def report(self, id: str, progress: Progress) -> None:
        self.reports.append(progress)


def run(steps: int, seconds_a_step: float, preview_costs: float) -> tuple[list[dict], float]:
    """Denoise on a clock of our own; returns the events and the seconds spent on previews."""
    clock, events, spent = Clock(), [], 0.0
    watch = JobWatch(JOB, Rows(), MemoryReceipts(), events.append, clock)
    watch.phase("denoising")

    def preview() -> Image.Image:
        nonlocal spent
        clock.now += preview_costs
        spent += preview_costs
        return Image.new("RGB", (512, 256), "teal")

    for step in range(steps):
        clock.now += seconds_a_step
        watch.step(step + 1, steps, preview)
    return [event for event in events if event["event"] == "preview"], spent


def test_previews_come_at_most_four_a_second() -> None:
    previews, _ = run(steps=100, seconds_a_step=0.05, preview_costs=0.0001)
    assert 10 <= len(previews) <= 4 * 5


def test_previews_cost_at_most_a_twentieth_of_the_time() -> None:
    previews, spent = run(steps=1000, seconds_a_step=0.05, preview_costs=0.5)
    assert previews
    assert spent <= 0.05 * 1000 * 0.05 + 0.5


def test_the_eta_shrinks_to_zero_and_the_last_step_is_always_reported() -> None:
    clock, rows = Clock(), Rows()
    watch = JobWatch(JOB, rows, MemoryReceipts(), lambda event: None, clock)
    watch.phase("denoising")
    for step in range(10):
        clock.now += 1
        watch.step(step + 1, 10)
    assert [report.eta for report in rows.reports[1:]] == [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.0]
    assert rows.reports[-1].step == rows.reports[-1].steps == 10
