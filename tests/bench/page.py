"""Time to a usable page and memory, the studio against a bare Gradio page: `python tests/bench/page.py`."""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import common
from playwright.sync_api import sync_playwright

HELLO = """
import sys, gradio as gr
with gr.Blocks() as page:
    prompt, go, out = gr.Textbox(label="Prompt", elem_id="prompt"), gr.Button("Go"), gr.Textbox()
    go.click(lambda text: text, prompt, out)
page.launch(server_port=int(sys.argv[1]), quiet=True)
"""
PROMPT = "#text-to-image-prompt textarea"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


def visit(browser, command: list[str], port: int, field: str, **environment: str) -> dict[str, float]:
    """Seconds from the start of the process to the first answer and to a prompt one can type into."""
    begun = time.perf_counter()
    with common.process(command, **environment) as child:
        common.wait_for_page(f"http://127.0.0.1:{port}/")
        answered = time.perf_counter() - begun
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}/")
        page.locator(field).first.fill("a fox")
        usable = time.perf_counter() - begun
        page.close()
        if environment:
            time.sleep(12)  # the worker has loaded its model by then
        resident, proportional = common.memory(child.pid)
        found = {"answer": answered, "usable": usable, "resident MB": resident, "proportional MB": proportional}
        for worker in common.children(child.pid):
            found["worker resident MB"], found["worker proportional MB"] = common.memory(worker)
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    print(common.device())
    results: dict[str, list[dict[str, float]]] = {"bare Gradio": [], "studio": []}
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        hello = Path(folder) / "hello.py"
        hello.write_text(HELLO)
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for run in range(runs):
            port = common.free_port()
            results["bare Gradio"].append(
                visit(browser, [sys.executable, str(hello), str(port)], port, "#prompt textarea, #prompt input")
            )
            port, place = common.free_port(), Path(folder) / f"run{run}"
            command = [sys.executable, "-m", "studio", "--no-browser", "--port", str(port)]
            results["studio"].append(
                visit(
                    browser,
                    command,
                    port,
                    "#text-to-image-prompt textarea",
                    STUDIO_DATA=str(place),
                    STUDIO_OUTPUTS=str(place / "outputs"),
                )
            )
        browser.close()
    for name in ("answer", "usable"):
        for who, runs_of in results.items():
            print(common.row(f"{name}, {who}", [run[name] for run in runs_of]))
        bare, ours = (statistics.median(run[name] for run in results[who]) for who in results)
        print(f"    ratio {ours / bare:.2f}\n")
    for who, runs_of in results.items():
        for name in sorted(runs_of[-1]):
            if "MB" in name:
                print(f"{who}, {name:<32} {statistics.median(run[name] for run in runs_of):8.0f}")


if __name__ == "__main__":
    main()
