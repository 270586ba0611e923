"""The GPU: driver, devices, CUDA for Python, TensorRT."""

from __future__ import annotations

import ctypes

from trt_perception.doctor.finding import Finding, Level
from trt_perception.doctor.python_package import check_package

TENSORRT = ("tensorrt",)

# CUdevice_attribute of the driver API (cuda.h).
_COMPUTE_CAPABILITY_MAJOR = 75
_COMPUTE_CAPABILITY_MINOR = 76


def gpu_checks() -> list[Finding]:
    """Driver, devices, and the packages of the `tensorrt` backend."""
    remedy = "pip install 'trt_perception[tensorrt]'"
    return [
        *_driver(),
        check_package("cuda.core", subject="cuda-python", remedy=remedy, needed_for=TENSORRT),
        check_package("tensorrt", remedy=remedy, needed_for=TENSORRT),
    ]


def _driver() -> list[Finding]:
    """The driver's version and every device that it shows, asked through the driver's own library."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return [
            Finding(
                subject="NVIDIA driver",
                level=Level.MISSING,
                detail="libcuda.so.1 not found",
                remedy="install the NVIDIA driver; in a container, start it with --gpus all",
                needed_for=TENSORRT,
            )
        ]
    status = cuda.cuInit(0)
    if status != 0:
        return [
            Finding(
                subject="NVIDIA driver",
                level=Level.MISSING,
                detail=f"cuInit fails with error {status}",
                remedy="see `nvidia-smi`; the kernel module and libcuda must be of one version",
                needed_for=TENSORRT,
            )
        ]
    version, count = ctypes.c_int(), ctypes.c_int()
    cuda.cuDriverGetVersion(ctypes.byref(version))
    cuda.cuDeviceGetCount(ctypes.byref(count))
    major, minor = divmod(version.value, 1000)
    driver = Finding(subject="NVIDIA driver", level=Level.OK, detail=f"CUDA {major}.{minor // 10}")
    return [driver, *(_device(cuda, index) for index in range(count.value))]


def _device(cuda: ctypes.CDLL, index: int) -> Finding:
    device, memory = ctypes.c_int(), ctypes.c_size_t()
    name = ctypes.create_string_buffer(128)
    major, minor = ctypes.c_int(), ctypes.c_int()
    cuda.cuDeviceGet(ctypes.byref(device), index)
    cuda.cuDeviceGetName(name, len(name), device)
    cuda.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
    cuda.cuDeviceGetAttribute(ctypes.byref(major), _COMPUTE_CAPABILITY_MAJOR, device)
    cuda.cuDeviceGetAttribute(ctypes.byref(minor), _COMPUTE_CAPABILITY_MINOR, device)
    return Finding(
        subject=f"GPU {index}",
        level=Level.OK,
        detail=f"{name.value.decode()}, compute capability {major.value}.{minor.value}, {memory.value / 2**30:.0f} GiB",
    )
