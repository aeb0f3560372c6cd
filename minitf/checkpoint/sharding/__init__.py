"""Over which data files a save spreads the tensors of a checkpoint, as a ``ShardingCallback`` decides."""
