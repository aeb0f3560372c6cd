"""What tests ask about devices: there is no GPU, and nothing was built for one."""

from __future__ import annotations

from typing import Any


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: Any = None) -> bool:
    """False"""
    return False


def gpu_device_name() -> str:
    """Empty"""
    return ""


def is_built_with_cuda() -> bool:
    """False"""
    return False


is_built_with_rocm = is_built_with_gpu_support = is_built_with_cuda
