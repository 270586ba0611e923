"""Which GPU is here, in which power mode: what a plan was timed on, and what it is to run on."""

from __future__ import annotations

from dataclasses import dataclass

from trt_perception.engine.cuda_driver import CudaDriver
from trt_perception.engine.nvml import nvml_facts
from trt_perception.engine.power_mode import jetson_power_mode
from trt_perception.errors import ConfigError
from trt_perception.options.option import option


@dataclass(frozen=True, kw_only=True)
class GpuIdentity:
    """One GPU. Name and compute capability decide where a plan runs; the rest says what its timings were made with.

    Raises:
        ConfigError: The compute capability is not two numbers.
    """

    name: str = option(
        description="Name, e.g. `NVIDIA H200`. Empty: built without a GPU, for a compute capability alone."
    )
    compute_capability: str = option(description="Major and minor, e.g. `9.0`.")
    driver: str = option("", description="Version of the driver, e.g. `580.65.06`. Empty: not known.")
    cuda: str = option("", description="Newest CUDA that the driver serves, e.g. `13.0`. Empty: not known.")
    memory_mib: int | None = option(None, description="Memory of the device, MiB. None: not known.", minimum=0)
    sm_clock_mhz: int | None = option(
        None, description="Clock of the multiprocessors when asked, MHz. None: not known.", minimum=0
    )
    max_sm_clock_mhz: int | None = option(
        None, description="Highest clock of the multiprocessors, MHz. None: not known.", minimum=0
    )
    power_limit_w: float | None = option(None, description="Enforced power limit, W. None: not known.", minimum=0)
    power_mode: str = option("", description="Jetson's power mode, e.g. `MAXN`. Empty: there is none.")

    def __post_init__(self) -> None:
        parts = self.compute_capability.split(".")
        if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) < 4 for part in parts):
            raise ConfigError(
                "compute_capability", f"expected major and minor such as 9.0, got {self.compute_capability[:40]!r}"
            )

    @property
    def compute_capability_numbers(self) -> tuple[int, int]:
        """Major and minor as numbers."""
        major, minor = self.compute_capability.split(".")
        return int(major), int(minor)

    def __str__(self) -> str:
        return f"{self.name or 'any GPU'} ({self.compute_capability})"


def current_gpu(device: int = 0) -> GpuIdentity:
    """The GPU that is here, asked through the driver; clocks and power through NVML and Jetson's files where they are.

    Args:
        device: Its index as CUDA counts, CUDA_VISIBLE_DEVICES included.

    Raises:
        MissingError: There is no driver.
        DeviceError: The driver fails, or shows no device of this index.
    """
    driver = CudaDriver()
    found = driver.device(device)
    facts = nvml_facts(driver.pci_bus_id(device))
    return GpuIdentity(
        name=found.name,
        compute_capability=found.compute_capability,
        driver=facts.driver,
        cuda=driver.cuda_version(),
        memory_mib=found.memory_bytes // 2**20,
        sm_clock_mhz=facts.sm_clock_mhz,
        max_sm_clock_mhz=facts.max_sm_clock_mhz,
        power_limit_w=facts.power_limit_w,
        power_mode=jetson_power_mode(),
    )
