"""The NVIDIA driver's own library through ctypes: it can be asked before any CUDA package is installed."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

from trt_perception.errors import DeviceError, MissingError

# CUdevice_attribute of cuda.h.
_COMPUTE_CAPABILITY_MAJOR = 75
_COMPUTE_CAPABILITY_MINOR = 76


@dataclass(frozen=True, kw_only=True)
class CudaDevice:
    """One device as the driver shows it.

    Args:
        name: Marketing name, e.g. `NVIDIA H200`; for a MIG slice, the slice's.
        compute_capability: Major and minor, e.g. `9.0`.
        memory_bytes: Memory of the device, or of the MIG slice.
    """

    name: str
    compute_capability: str
    memory_bytes: int


class CudaDriver:
    """libcuda, initialised.

    Raises:
        MissingError: There is no driver.
        DeviceError: The driver does not start, e.g. because it shows no device.
    """

    def __init__(self) -> None:
        try:
            self._cuda: Any = ctypes.CDLL("libcuda.so.1")
        except OSError as error:
            raise MissingError(
                "libcuda.so.1 not found", "install the NVIDIA driver; in a container, start it with --gpus all"
            ) from error
        status = self._cuda.cuInit(0)
        if status != 0:
            raise DeviceError(f"cuInit fails with error {status}")

    def cuda_version(self) -> str:
        """The newest CUDA that the driver serves, e.g. `13.0`."""
        version = ctypes.c_int()
        self._check(self._cuda.cuDriverGetVersion(ctypes.byref(version)), "cuDriverGetVersion")
        major, minor = divmod(version.value, 1000)
        return f"{major}.{minor // 10}"

    def count(self) -> int:
        """Number of devices; CUDA_VISIBLE_DEVICES counts."""
        count = ctypes.c_int()
        self._check(self._cuda.cuDeviceGetCount(ctypes.byref(count)), "cuDeviceGetCount")
        return count.value

    def device(self, index: int) -> CudaDevice:
        """One device.

        Raises:
            DeviceError: There is none of this index, or the driver fails.
        """
        if not 0 <= index < self.count():
            raise DeviceError(f"GPU {index}: expected an index from 0 to {self.count() - 1}; see `nvidia-smi -L`")
        handle, memory = ctypes.c_int(), ctypes.c_size_t()
        name = ctypes.create_string_buffer(128)
        cuda = self._cuda
        self._check(cuda.cuDeviceGet(ctypes.byref(handle), index), "cuDeviceGet")
        self._check(cuda.cuDeviceGetName(name, len(name), handle), "cuDeviceGetName")
        self._check(cuda.cuDeviceTotalMem_v2(ctypes.byref(memory), handle), "cuDeviceTotalMem")
        major, minor = (
            self._attribute(handle, attribute) for attribute in (_COMPUTE_CAPABILITY_MAJOR, _COMPUTE_CAPABILITY_MINOR)
        )
        return CudaDevice(
            name=name.value.decode(errors="replace"),
            compute_capability=f"{major}.{minor}",
            memory_bytes=memory.value,
        )

    def pci_bus_id(self, index: int) -> str:
        """Where a device is, e.g. `0000:18:00.0`; empty where the driver does not say, as on a SoC."""
        handle = ctypes.c_int()
        self._check(self._cuda.cuDeviceGet(ctypes.byref(handle), index), "cuDeviceGet")
        text = ctypes.create_string_buffer(32)
        status = self._cuda.cuDeviceGetPCIBusId(text, len(text), handle)
        return "" if status else text.value.decode(errors="replace")

    def _attribute(self, handle: ctypes.c_int, attribute: int) -> int:
        value = ctypes.c_int()
        self._check(self._cuda.cuDeviceGetAttribute(ctypes.byref(value), attribute, handle), "cuDeviceGetAttribute")
        return value.value

    def _check(self, status: int | None, function: str) -> None:
        if status:
            raise DeviceError(f"{function} fails with error {status}; see `nvidia-smi`")
