"""Enlargements beside the originals: a table of all protocols, and a sheet of details."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from sightkit import _output_folder, zoo
from sightkit._tables import text_table
from sightkit.apps.generative.enlargement_quality import PROTOCOLS, compare_enlargements, psnr
from sightkit.apps.generative.imresize import imresize
from sightkit.apps.generative.luma import as_bytes, matlab_luma
from sightkit.apps.generative.upscaler_setup import LARGEST, cut_to_multiple
from sightkit.evaluation.text import legible

REPORT, SHEET = "evaluation.json", "comparison.png"
FORMAT = "sightkit-enlargements"
BICUBIC = "bicubic"
DETAIL = 72
"""Pixels of a detail's side."""
SHOWN = 3
"""Pictures on the sheet."""


def require_new_evaluation(output: Path, *, overwrite: bool) -> None:
    """Check, before any work, that an evaluation can be written.

    Raises:
        SightkitError: the folder holds other files, or an evaluation, without ``overwrite``.
    """
    _output_folder.require_new(output, REPORT, FORMAT, overwrite=overwrite)


def report_enlargements(
    pictures: Mapping[str, np.ndarray], upscalers: Mapping[str, Any], output: Path
) -> dict[str, Any]:
    """Print PSNR and SSIM of bicubic and of networks, and write them and a sheet of details.

    Args:
        pictures: by path, uint8 (H, W, 3), RGB.
        upscalers: by name, ``UpscalerBundle``; where there are none bicubic has a row a factor.
        output: folder for evaluation.json and comparison.png.

    Returns:
        ``pictures``, their number, and ``rows``: ``network``, ``factor``, ``parameters`` and
        ``protocols``, figures by protocol.

    Raises:
        SightkitError: a picture that is too small to be compared.
    """
    factors = sorted({each.factor for each in upscalers.values()}) or range(2, LARGEST + 1)
    rows = []
    for factor in factors:
        own = {name: each for name, each in upscalers.items() if each.factor == factor}
        for name, upscaler in {BICUBIC: None, **own}.items():
            options: dict[str, Any] = {}
            if upscaler is not None:
                channels = upscaler.setup.channels
                options = {"enlarge": upscaler.enlarge_planes, "channels": channels}
            found = {
                str(p): compare_enlargements(pictures, factor, p, **options) for p in PROTOCOLS
            }
            parameters = upscaler.description["parameters"] if upscaler is not None else 0
            about = {"network": name, "factor": factor, "parameters": parameters}
            rows.append({**about, "protocols": found})
    report = {"pictures": len(pictures), "rows": rows}
    with _output_folder.writing(output, REPORT, FORMAT) as (folder, description):
        description |= report
        draw_comparison(pictures, upscalers, factors[0], folder / SHEET)
    print(f"PSNR in dB and SSIM of luma, mean of {len(pictures)} pictures; the first is published.")
    print(text_table([_line(row) for row in rows]))
    print(output)
    return report


def _line(row: Mapping[str, Any]) -> dict[str, str]:
    cells = {name: f"{f['psnr']:.2f} {f['ssim']:.4f}" for name, f in row["protocols"].items()}
    return {"network": f"{row['network']} x{row['factor']}", **cells}


def draw_comparison(
    pictures: Mapping[str, np.ndarray], upscalers: Mapping[str, Any], factor: int, path: Path
) -> None:
    """Draw details: the small picture's pixels, bicubic, each network of the factor, the original.

    The detail of a picture is where bicubic errs most. Captions have the PSNR of the whole picture,
    the luma of what was enlarged as bytes.

    Args:
        pictures: by path, uint8 (H, W, 3), RGB; the first three are drawn.
        upscalers: by name.
        factor: of those that are drawn.
        path: of the PNG.
    """
    from matplotlib.figure import Figure

    own = {name: each for name, each in upscalers.items() if each.factor == factor}
    sheet = [_details(photo, own, factor) for photo in list(pictures.values())[:SHOWN]]
    count = len(sheet[0])
    figure = Figure(figsize=(2.4 * count, 2.75 * len(sheet)), dpi=110, layout="constrained")
    grid = figure.subplots(len(sheet), count, squeeze=False)
    for axes, (name, image) in zip(grid.ravel(), (i for row in sheet for i in row), strict=True):
        axes.imshow(image, interpolation="nearest")
        axes.set_title(legible(name, "network", 34), fontsize=8.5, parse_math=False)
        axes.axis("off")
    figure.savefig(path)


def _details(
    photo: np.ndarray, upscalers: Mapping[str, Any], factor: int
) -> list[tuple[str, np.ndarray]]:
    """Return captions and details of one picture, uint8."""
    large = cut_to_multiple(photo, factor)
    size = (large.shape[0], large.shape[1])
    small = as_bytes(imresize(large, (size[0] // factor, size[1] // factor)))
    bicubic = as_bytes(imresize(small, size))
    made = [(BICUBIC, bicubic)]
    for each in upscalers.values():
        made.append((zoo.name_of(each.description["network"]), each.predict(small)[0]))
    top, left = _hardest(large, bicubic)
    nearest = cv2.resize(small, size[::-1], interpolation=cv2.INTER_NEAREST)
    found = [(f"small, x{factor}", nearest)]
    for name, image in made:
        planes = [matlab_luma(i)[factor:-factor, factor:-factor] for i in (large, image)]
        found.append((f"{name}, {psnr(*planes):.2f} dB", image))
    found.append(("original", large))
    return [(n, i[top : top + DETAIL, left : left + DETAIL]) for n, i in found]


def _hardest(photo: np.ndarray, bicubic: np.ndarray) -> tuple[int, int]:
    """Return the corner of the detail in which bicubic errs most."""
    one, other = (matlab_luma(image)[..., 0] for image in (photo, bicubic))
    side = (min(DETAIL, one.shape[1]), min(DETAIL, one.shape[0]))
    error = cv2.boxFilter((one - other) ** 2, -1, side, anchor=(0, 0))
    places = error[: one.shape[0] - side[1] + 1, : one.shape[1] - side[0] + 1]
    top, left = np.unravel_index(places.argmax(), places.shape)
    return int(top), int(left)
