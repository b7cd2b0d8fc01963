"""The diagnosis as a section of the report."""

from __future__ import annotations

from html import escape

from sightkit.evaluation.diagnosis import Diagnosis


def diagnosis_section(found: Diagnosis) -> str:
    """Headline and advice, then gap by gap, then what the curves show."""
    gaps = "".join(
        f'<div><dt>{escape(gap.name)}: <span class="verdict {gap.verdict}">{gap.verdict}</span>'
        f"</dt><dd>{escape(gap.text)}</dd></div>"
        for gap in found.gaps
    )
    curves = "".join(
        f"<div><dt>curves: {escape(curve.name)}</dt>"
        f"<dd>{escape(curve.text)} Try {escape(curve.advice)}.</dd></div>"
        for curve in found.curves
    )
    then = f"<p>{escape(found.next)}</p>" if found.next else ""
    return (
        f"<section><h2>Diagnosis</h2><p><strong>{escape(found.headline)}</strong></p>{then}"
        f'<dl class="facts findings">{gaps}{curves}</dl>'
        f'<p class="quiet">{escape(found.floor)}</p></section>'
    )
