"""Baselines, each as its users write it well."""

import os

# PyTorch's threads else wait for each other in a loop that burns the processor's seconds which are
# measured, two to twenty times what the step takes if anything else runs on the machine. It must be
# set before torch is imported, in whichever of these files.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
