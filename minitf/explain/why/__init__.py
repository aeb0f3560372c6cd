"""Why a value was not restored, and where each value comes from: an explanation of one restore.

``status.explain()`` gives an ``Explanation``: a ``Row`` for each value, with ``State`` and ``Provenance``, and ``Cause``
objects, each of a kind of ``Why``.
"""

from minitf.explain.why.causes import Cause, Place, Why
from minitf.explain.why.explanation import Explanation
from minitf.explain.why.rows import Provenance, Row, State, Stop

__all__ = ["Cause", "Explanation", "Place", "Provenance", "Row", "State", "Stop", "Why"]
