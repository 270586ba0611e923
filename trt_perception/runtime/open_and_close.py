"""`with` for what is opened and closed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import TypeVar

Opened = TypeVar("Opened", bound="OpenAndClose")


class OpenAndClose(ABC):
    """Opened where a `with` begins, closed where it ends, whatever happened."""

    @abstractmethod
    def open(self) -> None:
        """Take what is needed."""

    @abstractmethod
    def close(self) -> None:
        """Give it back. Harmless when called twice."""

    def __enter__(self: Opened) -> Opened:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
