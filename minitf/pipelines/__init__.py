"""Input pipelines (``tf.data``): datasets that are made of others, and iterators whose place a checkpoint keeps."""
