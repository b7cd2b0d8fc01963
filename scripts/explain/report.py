"""Explain the worst mistakes of a training: explain.html in the run folder.

    sightkit explain/report runs/lenet_digits/default

Beside each mistake: the places that spoke for the wrong answer, those that spoke for the right one
(Grad-CAM), and the three training images that the network itself takes to be most alike. The run's
report.html then names the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from sightkit import _cli, _files, _run_files, evaluation, training
from sightkit._errors import SightkitError, require_at_least


@dataclass(frozen=True)
class Config:
    """Explain a run's mistakes."""

    run: Annotated[Path, tyro.conf.Positional]
    """Folder of a training."""
    data: Path | None = None
    """Dataset file that it was trained on; by default where the run's files say."""
    split: str = "test"
    """Split of the mistakes."""
    count: int = 12
    """Number of mistakes, the worst first."""
    measure: bool = False
    """Measure the method's badge on up to 64 images, where it was not yet: half a minute."""
    output: Path | None = None
    """Page to write (.html); explain.html in the run folder by default, which its report names."""
    overwrite: bool = False
    """Replace an existing file that --output names."""

    def __post_init__(self) -> None:
        """Check the values before any work is done."""
        require_at_least(self, count=1)
        if self.output is not None:
            evaluation.require_file(self.output, (".html",), overwrite=self.overwrite)
        else:
            _files.require_writable(self.run)

    @property
    def dataset(self) -> Path:
        """The dataset file."""
        config = _files.stored_json(self.run / _run_files.CONFIG)
        built = _files.stored_json(self.run / _run_files.ENVIRONMENT).get("data") or {}
        # config.json names a folder of photos where train.py built the file.
        named = self.data or Path(config.get("data", ""))
        path = named if self.data or named.is_file() else Path(built.get("file", named))
        if not path.is_file():
            raise SightkitError(
                "The dataset file that the run was trained on must exist.",
                "Name it: --data datasets/x.h5.",
                data=str(path),
            )
        return path


def main(config: Config) -> list[dict[str, Any]]:
    bundle = config.run / _run_files.BUNDLE
    description = training.check_bundle(bundle)
    if description["kind"] not in training.ALONE:
        raise SightkitError(
            "The mistakes of a network alone are explained, and this one is networks with a head.",
            f"Explain photos by scripts/explain/explain.py --bundle {bundle}.",
            run=str(config.run),
        )
    evaluation.check_data(config.dataset, config.split, description["class_names"])
    _cli.start_keras()
    from sightkit.apps.explain import explain_run

    page = config.output or config.run / _run_files.EXPLANATION
    found = explain_run(
        config.run, config.dataset, page,
        split=config.split, count=config.count, measure=config.measure,
    )  # fmt: skip
    for each in found:
        near = ", ".join(name for _, name, _ in each["neighbours"])
        print(f"{each['name']}: {each['true']} taken for {each['predicted']}; most alike: {near}")
    if config.output is None:
        evaluation.link_explanation(config.run)
    print(page)
    return found


if __name__ == "__main__":
    _cli.run(main, Config)
