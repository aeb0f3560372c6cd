"""``tf.data``: input pipelines; and the handwritten digits that come with minitf (``load_digits``)."""

from __future__ import annotations

from minitf.core.lazy import names_from

_WHERE = {
    "minitf.data.handwriting": "digits load_digits",
    "minitf.pipelines.dataset": "Dataset",
    "minitf.pipelines.described": "AUTOTUNE INFINITE=INFINITE_CARDINALITY UNKNOWN=UNKNOWN_CARDINALITY",
    "minitf.pipelines.elements": "DatasetSpec",
    "minitf.pipelines.iterator": "Iterator NumpyIterator",
    "minitf.pipelines.options": "Options ThreadingOptions",
}

__getattr__, __dir__, __all__ = names_from(__name__, _WHERE, submodules="experimental")
