"""TensorFlow's V2 checkpoint format, the "tensor bundle": ``prefix.index`` and ``prefix.data-00000-of-00001``.

From the inside out: ``coding`` (numbers and keys), ``block`` and ``table`` (the index file), ``entries`` (its records),
``payload`` (the bytes of a value), ``writer`` and ``reader``, ``bundle`` (the files as one transaction).
"""

from minitf.storage.bundle.bundle import TensorBundle as TensorBundle
from minitf.storage.bundle.reader import BundleReader as BundleReader
