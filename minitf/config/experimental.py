"""``tf.config.experimental``: more about devices. Nothing is defined here."""

from __future__ import annotations

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.environment.config": """
            LogicalDeviceConfiguration=VirtualDeviceConfiguration get_device_details get_synchronous_execution
            get_logical_device_configuration=get_virtual_device_configuration get_visible_devices list_logical_devices
            list_physical_devices set_memory_growth set_logical_device_configuration=set_virtual_device_configuration
            set_synchronous_execution set_visible_devices""",
    },
)
