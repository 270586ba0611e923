"""Driver version, clocks and power limit through NVML, the library behind `nvidia-smi`; nothing where it is absent."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_CLOCK_SM = 1  # nvmlClockType_t of nvml.h


@dataclass(frozen=True, kw_only=True)
class NvmlFacts:
    """What NVML says of one device; empty or None where it does not.

    Args:
        driver: Version of the driver, e.g. `580.65.06`.
        sm_clock_mhz: Clock of the multiprocessors now, MHz.
        max_sm_clock_mhz: The highest that the device allows, MHz.
        power_limit_w: Enforced limit, W.
    """

    driver: str = ""
    sm_clock_mhz: int | None = None
    max_sm_clock_mhz: int | None = None
    power_limit_w: float | None = None


def nvml_facts(pci_bus_id: str) -> NvmlFacts:
    """Ask NVML about the device at a place on the PCI bus. Nothing is known on a Jetson without NVML: no error."""
    try:
        nvml: Any = ctypes.CDLL("libnvidia-ml.so.1")
        if nvml.nvmlInit_v2() != 0:
            return NvmlFacts()
    except (OSError, AttributeError):
        return NvmlFacts()
    try:
        return _facts(nvml, pci_bus_id)
    except AttributeError:  # a library without these functions
        return NvmlFacts()
    finally:
        nvml.nvmlShutdown()


def _facts(nvml: Any, pci_bus_id: str) -> NvmlFacts:
    version = ctypes.create_string_buffer(96)
    driver = "" if nvml.nvmlSystemGetDriverVersion(version, len(version)) else version.value.decode(errors="replace")
    device = ctypes.c_void_p()
    if nvml.nvmlDeviceGetHandleByPciBusId_v2(pci_bus_id.encode(), ctypes.byref(device)) != 0:
        return NvmlFacts(driver=driver)
    limit_mw = _number(lambda place: nvml.nvmlDeviceGetEnforcedPowerLimit(device, place))
    return NvmlFacts(
        driver=driver,
        sm_clock_mhz=_number(lambda place: nvml.nvmlDeviceGetClockInfo(device, _CLOCK_SM, place)),
        max_sm_clock_mhz=_number(lambda place: nvml.nvmlDeviceGetMaxClockInfo(device, _CLOCK_SM, place)),
        power_limit_w=None if limit_mw is None else limit_mw / 1000,
    )


def _number(ask: Callable[[Any], int]) -> int | None:
    value = ctypes.c_uint()
    return None if ask(ctypes.byref(value)) else value.value
