"""The GPU: driver, devices, CUDA for Python, TensorRT."""

from __future__ import annotations

from trt_perception.doctor.finding import Finding, Level
from trt_perception.doctor.python_package import check_package
from trt_perception.engine.cuda_driver import CudaDevice, CudaDriver
from trt_perception.errors import DeviceError, MissingError
from trt_perception.runtime.kernel_compiler import KernelCompiler

TENSORRT = ("tensorrt",)
INSTALL = "pip install 'trt_perception[tensorrt]'"


def gpu_checks() -> list[Finding]:
    """Driver, devices, and the packages of the `tensorrt` backend."""
    return [
        *_driver(),
        check_package("cuda.core", subject="cuda-python", remedy=INSTALL, needed_for=TENSORRT),
        check_package("tensorrt", remedy=INSTALL, needed_for=TENSORRT),
        _nvrtc(),
    ]


def _nvrtc() -> Finding:
    """What compiles the kernels of the GPU path; the host path does without."""
    try:
        version = KernelCompiler().version
    except MissingError as error:
        remedy = f"{INSTALL}; or set `path: host` in the perception config, which needs no kernels"
        return Finding(subject="NVRTC", level=Level.MISSING, detail=error.what, remedy=remedy, needed_for=TENSORRT)
    return Finding(subject="NVRTC", level=Level.OK, detail=str(version))


def _driver() -> list[Finding]:
    """The driver's version and every device that it shows, asked through the driver's own library."""
    try:
        driver = CudaDriver()
    except MissingError as error:
        return [
            Finding(
                subject="NVIDIA driver",
                level=Level.MISSING,
                detail=error.what,
                remedy="install the NVIDIA driver; in a container, start it with --gpus all",
                needed_for=TENSORRT,
            )
        ]
    except DeviceError as error:
        return [
            Finding(
                subject="NVIDIA driver",
                level=Level.MISSING,
                detail=str(error),
                remedy="see `nvidia-smi`; the kernel module and libcuda must be of one version",
                needed_for=TENSORRT,
            )
        ]
    found = Finding(subject="NVIDIA driver", level=Level.OK, detail=f"CUDA {driver.cuda_version()}")
    return [found, *(_device(driver.device(index), index) for index in range(driver.count()))]


def _device(device: CudaDevice, index: int) -> Finding:
    return Finding(
        subject=f"GPU {index}",
        level=Level.OK,
        detail=f"{device.name}, compute capability {device.compute_capability}, {device.memory_bytes / 2**30:.0f} GiB",
    )
