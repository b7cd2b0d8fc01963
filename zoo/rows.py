"""The table of networks: a row a name, and what contract tests need to try each of them.

No file of the table imports Keras, so that names can be listed in a moment. Counts are those of the
published network (paper, book or reference implementation) unless a comment says otherwise, and
are asserted by the tests, which refuse a row without one.
"""

from __future__ import annotations

from sightkit.zoo.row import Row
from sightkit.zoo.rows_applications import APPLICATIONS
from sightkit.zoo.rows_imagenet import IMAGENET
from sightkit.zoo.rows_others import OTHERS
from sightkit.zoo.rows_small import SMALL

ROWS: tuple[Row, ...] = (*SMALL, *IMAGENET, *APPLICATIONS, *OTHERS)
