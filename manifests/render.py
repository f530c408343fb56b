"""The chart, rendered with its examples, for those without Helm: `python manifests/render.py` -> manifests/rendered/.

The Ray token is left out, as no secret may stand in a file: each rendering names an existing Secret.
"""

import shutil
from pathlib import Path
from typing import Any

import helm_python
import yaml

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "charts" / "berth"
RENDERED = ROOT / "manifests" / "rendered"


def rendered() -> dict[str, str]:
    """{file name: the objects of an example}; the file's stem is the run's name."""
    with helm_python.Chart.load(CHART) as chart:
        return {example.name: _objects(chart, example) for example in sorted((CHART / "examples").glob("*.yaml"))}


def _objects(chart: helm_python.Chart, example: Path) -> str:
    name = example.stem
    values: dict[str, Any] = yaml.safe_load(example.read_text(encoding="utf-8"))
    values["ray_token"] = {"secret": f"{name}-ray-token"}
    templates = chart.render(values, name=name)
    texts = [text.strip() for path, text in sorted(templates.items()) if "/tests/" not in path and "NOTES" not in path]
    return "---\n" + "\n---\n".join(text for text in texts if text) + "\n"


if __name__ == "__main__":
    shutil.rmtree(RENDERED, ignore_errors=True)
    RENDERED.mkdir()
    for file, text in rendered().items():
        (RENDERED / file).write_text(text, encoding="utf-8")
