"""Screenshots for the README, of a dashboard that runs: ``python -m tests.browser.screenshots URL [MODEL]``.

``make demo`` keeps one running; its worst model is shown unless another is named.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "img"
LARGEST_BYTES = 250_000
DESK, TALL, PHONE = (1280, 800), (1280, 1640), (390, 844)


@dataclass(frozen=True)
class Shot:
    """One picture.

    Parameters
    ----------
    name
        Of its file, after ``dashboard-``.
    url
        Of the page.
    size
        Of the window, which is what is seen.
    dark
        In dark.
    """

    name: str
    url: str
    size: tuple[int, int] = DESK
    dark: bool = False


def main() -> None:
    """Take them all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="a dashboard's address")
    parser.add_argument("model", nargs="?", help="the model to show; the worst one by default")
    parser.add_argument("--fleet", help="another dashboard's address, for the fleet's page")
    parser.add_argument("--to", type=Path, default=IMAGES, help="folder for the pictures")
    given = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for shot in shots(given.url.rstrip("/"), (given.fleet or given.url).rstrip("/"), given.model):
            content = small(take(browser, shot))
            path = given.to / f"dashboard-{shot.name}.png"
            path.write_bytes(content)
            print(f"{path}: {len(content):,} bytes")
        browser.close()


def shots(url: str, fleet: str, model: str | None) -> list[Shot]:
    """What is shown: the fleet, a model, and the night of its trouble by day; a model in the dark; a phone."""
    with urlopen(f"{url}/api/v1/models") as answer:
        models = json.loads(answer.read())["models"]
    shown = next(found for found in models if model in (None, found["model"]))
    page = f"{url}/models/{shown['model']}"
    night = next((found["incident"]["opened"] for found in shown["incidents"]), shown["night"])
    return [
        Shot("fleet", f"{fleet}/"),
        Shot("model", page, TALL),
        Shot("night", f"{page}/nights/{night}"),
        Shot("dark", page, TALL, dark=True),
        Shot("phone", f"{fleet}/", size=PHONE),
    ]


def take(browser: Browser, shot: Shot) -> bytes:
    """One picture of what a window shows when its charts are drawn."""
    width, height = shot.size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if shot.dark else "light",
        device_scale_factor=1.5,
    )
    page = context.new_page()
    page.goto(shot.url, wait_until="networkidle")
    _wait_for_charts(page)
    content = page.screenshot()
    context.close()
    return content


def small(content: bytes) -> bytes:
    """The picture in few colours, smaller in steps until its file is small enough."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    for colours in (256, 128, 64, 32):
        buffer = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
        if buffer.tell() <= LARGEST_BYTES:
            break
    return buffer.getvalue()


def _wait_for_charts(page: Page) -> None:
    page.wait_for_function(
        "() => [...document.querySelectorAll('figure.chart .plot')].every((plot) => plot.dataset.drawn"
        " || plot.getBoundingClientRect().top > innerHeight || !plot.checkVisibility())"
    )


if __name__ == "__main__":
    main()
