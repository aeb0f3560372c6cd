"""``tf.config``: devices, of which there is one, the CPU; and whether traced functions run eagerly.

What a program asks of its devices is accepted if one CPU can have it, and raises an error that says so otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from minitf.objects.running_eagerly import functions_run_eagerly, run_functions_eagerly

__all__ = [
    "LogicalDevice", "LogicalDeviceConfiguration", "PhysicalDevice", "functions_run_eagerly", "get_device_details",
    "get_logical_device_configuration", "get_soft_device_placement", "get_synchronous_execution", "get_visible_devices",
    "list_logical_devices", "list_physical_devices", "run_functions_eagerly", "set_logical_device_configuration",
    "set_memory_growth", "set_soft_device_placement", "set_synchronous_execution", "set_visible_devices",
]  # fmt: skip


class PhysicalDevice(NamedTuple):
    """A device of the machine."""

    name: str
    device_type: str


class LogicalDevice(NamedTuple):
    """A device as operations see it."""

    name: str
    device_type: str


class LogicalDeviceConfiguration(NamedTuple):
    """What a logical device shall have of a physical one."""

    memory_limit: int | None = None
    experimental_priority: int | None = None
    experimental_device_ordinal: int | None = None


_CPU, _CPU_SEEN = PhysicalDevice("/physical_device:CPU:0", "CPU"), LogicalDevice("/device:CPU:0", "CPU")
_placement = {"soft": True}


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices of the machine, of one type or of all: the CPU."""
    return [_CPU] if device_type in (None, "CPU") else []


def list_logical_devices(device_type: str | None = None) -> list[LogicalDevice]:
    """The devices as operations see them, of one type or of all: the CPU."""
    return [_CPU_SEEN] if device_type in (None, "CPU") else []


def get_visible_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """The devices that are used: the CPU."""
    return list_physical_devices(device_type)


def set_visible_devices(devices: Any, device_type: str | None = None) -> None:
    """Takes what is so: the CPU, and no device of another type.

    Raises ValueError for an unknown device or one of another type, RuntimeError if the CPU shall not be used.
    """
    wanted = list(devices) if isinstance(devices, (list, set)) else [devices]
    for device in wanted:
        _check(device)
        if device_type not in (None, device.device_type):
            raise ValueError(f"set_visible_devices: {device} is not of the type {device_type!r}.")
    if _CPU not in wanted and device_type in (None, "CPU"):
        raise RuntimeError("set_visible_devices: the CPU is the only device that minitf has, so it cannot be left out.")


def get_logical_device_configuration(device: PhysicalDevice) -> list[LogicalDeviceConfiguration] | None:
    """None: the CPU is one logical device. Raises ValueError for an unknown device."""
    _check(device)
    return None


def set_logical_device_configuration(device: PhysicalDevice, logical_devices: Sequence[LogicalDeviceConfiguration]) -> None:
    """Takes one logical device without limits. Raises ValueError for an unknown device, RuntimeError for anything else."""
    _check(device)
    if list(logical_devices) != [LogicalDeviceConfiguration()]:
        raise RuntimeError("set_logical_device_configuration: minitf cannot divide the CPU, nor limit its memory.")


def get_soft_device_placement() -> bool:
    """What ``set_soft_device_placement`` was given last, True at first."""
    return _placement["soft"]


def set_soft_device_placement(enabled: bool) -> None:
    """Is remembered, without effect: every operation has its kernel on the CPU."""
    _placement["soft"] = bool(enabled)


def set_memory_growth(device: PhysicalDevice, enable: bool) -> None:
    """Raises ValueError: only the memory of a GPU grows, and there is none."""
    _check(device)
    raise ValueError(f"set_memory_growth: {device} is no GPU. The memory of a CPU always grows.")


def get_device_details(device: PhysicalDevice) -> dict[str, Any]:
    """Empty: there is no more to say of the CPU. Raises ValueError for an unknown device."""
    _check(device)
    return {}


def get_synchronous_execution() -> bool:
    """True: an operation is done when its call returns."""
    return True


def set_synchronous_execution(enable: bool) -> None:
    """Takes True, which is so. Raises ValueError for False."""
    if not enable:
        raise ValueError("set_synchronous_execution: an operation of minitf is done when its call returns, always.")


def _check(device: Any) -> None:
    if device != _CPU:
        raise ValueError(f"Unrecognized device: {device!r}. There is one: {_CPU}.")
