"""``tf.config``: devices, and whether traced functions run eagerly. Nothing is defined here."""

from __future__ import annotations

from minitf.core.lazy import names_from

__getattr__, __dir__, __all__ = names_from(
    __name__,
    {
        "minitf.environment.config": """
            LogicalDevice LogicalDeviceConfiguration PhysicalDevice functions_run_eagerly get_logical_device_configuration
            get_soft_device_placement get_visible_devices list_logical_devices list_physical_devices run_functions_eagerly
            run_functions_eagerly=experimental_run_functions_eagerly set_logical_device_configuration
            functions_run_eagerly=experimental_functions_run_eagerly set_soft_device_placement set_visible_devices""",
        "minitf.environment.threads": "*=threading",
    },
    submodules="experimental",
)
