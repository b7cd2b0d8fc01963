"""Check every image of a folder or every row of a dataset file, and list what is bad."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from sightkit._errors import SightkitError
from sightkit.io.left_out import Finding, check_list, write_list
from sightkit.io.verify_file import verify_file
from sightkit.io.verify_folder import verify_folder

SHOWN = 5


@dataclass(frozen=True)
class Verification:
    """The result of ``verify``.

    Attributes:
        path: the folder or the file.
        checked: number of images.
        findings: what is bad, what is worth a look, and what was left out; sorted by kind.
    """

    path: Path
    checked: int
    findings: tuple[Finding, ...]

    def of_kind(self, kind: str) -> tuple[Finding, ...]:
        """Findings that are ``"bad"``, a ``"warning"`` or ``"left out"``."""
        return tuple(finding for finding in self.findings if finding.kind == kind)

    @property
    def bad(self) -> tuple[Finding, ...]:
        """Images that should not be trained on."""
        return self.of_kind("bad")

    def __str__(self) -> str:
        lines = [f"{self.path}: {self.checked:,} images checked"]
        for kind in ("bad", "warning", "left out"):
            found = self.of_kind(kind)
            lines.append(f"{kind + ':':<10}{len(found):,}")
            for each in found[:SHOWN]:
                name = each.path if each.path.isprintable() else repr(each.path)
                lines.append(f"  {name}: {each.reason}")
            if len(found) > SHOWN:
                lines.append(f"  … and {len(found) - SHOWN:,} more")
        return "\n".join(lines)


def verify(
    path: str | os.PathLike[str],
    *,
    tolerance: float = 0.01,
    output: str | os.PathLike[str] | None = None,
    workers: int | None = None,
) -> Verification:
    """Check the images of a folder, or of a dataset file; nothing in it is touched.

    In a folder every file is decoded as ``read_image`` would. Bad is an image that cannot be
    decoded, is empty, may not be read, is hidden or behind a link (none is followed). Warnings are
    for images whose name has another format, and for the same picture once more, in its folder or
    in another. What is no image by its first bytes and has no image's ending, a FIFO and the like
    is left out and listed.

    In a dataset file the structure is checked, every row is compared with its hash, float rows must
    be finite, the mean must be that of the training rows. Bad is a row that differs, and one whose
    pixels are in an earlier split too.

    Args:
        path: folder of images, or file that HDF5DatasetWriter wrote.
        tolerance: share of bad images, 0 to 1, up to which there is no error.
        output: file for the list (CSV: path, reason, sha256, kind); none is written when left out.
        workers: threads; as many as there are usable cores when left out.

    Returns:
        What was found.

    Raises:
        SightkitError: nothing to check, a file whose structure is damaged, or more bad images than
            ``tolerance``; the list is written before.
    """
    path = Path(path)
    if not 0 <= tolerance <= 1:
        raise SightkitError("tolerance must be a share between 0 and 1.", tolerance=tolerance)
    if output is not None:
        check_list(Path(output))
    check = verify_folder if path.is_dir() else verify_file
    checked, findings = check(path, workers)
    order = {"bad": 0, "warning": 1, "left out": 2}
    findings.sort(key=lambda finding: order[finding.kind])
    found = Verification(path, checked, tuple(findings))
    if output is not None:
        write_list(Path(output), found.findings)
    where = f"They are listed in {output}." if output is not None else "Give output= for a list."
    if not found.checked:
        reasons = Counter(finding.reason for finding in found.findings).most_common(3)
        raise SightkitError(
            "There must be images to check.",
            "Check the path.",
            path=str(found.path),
            left_out=dict(reasons),
        )
    if len(found.bad) > tolerance * found.checked:
        raise SightkitError(
            f"{len(found.bad):,} of {found.checked:,} images are bad "
            f"({len(found.bad) / found.checked:.2%}, allowed are {tolerance:.2%}).",
            f"{where} The first: {found.bad[0].reason}",
            path=str(found.path),
            first=found.bad[0].path,
        )
    return found
