"""What every training script would repeat: flags, run, data, training, report.

A library, not a framework: the script keeps the control flow, and uses the parts that it needs.
"""

from __future__ import annotations

from sightkit.experiments.config import Config
from sightkit.experiments.data import Data
from sightkit.experiments.experiment import CLASSIFICATION, Experiment, start

__all__ = ["CLASSIFICATION", "Config", "Data", "Experiment", "start"]
