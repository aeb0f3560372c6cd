"""What a tensor program is: specs, ops, tensors, state, and the one place that asks for the current runtime."""
