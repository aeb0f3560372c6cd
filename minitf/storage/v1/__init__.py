"""TensorFlow's V1 checkpoint format, "tensor slices": one table file, or one a shard, that holds the values themselves."""

from minitf.storage.v1.reader import SlicesReader as SlicesReader
from minitf.storage.v1.slices import TensorSlices as TensorSlices
