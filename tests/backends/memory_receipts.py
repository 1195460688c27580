"""Receipts of one job in memory, as small real classes."""

from __future__ import annotations

from studio.core.errors import OverBudget


class MemoryReceipts:
    """`studio.core.ports.Receipts`; `ledger` holds (provider, amount, source) by part."""

    def __init__(self, notes: dict[str, bytes] | None = None, ledger: dict | None = None, part: str = "") -> None:
        self.notes: dict[str, bytes] = {} if notes is None else notes
        self.ledger: dict[str, list] = {} if ledger is None else ledger
        self._part = part

    def read(self, name: str) -> bytes | None:
        return self.notes.get(f"{self._part}{name}")

    def write(self, name: str, data: bytes) -> None:
        self.notes[f"{self._part}{name}"] = data

    def remove(self, name: str) -> None:
        self.notes.pop(f"{self._part}{name}", None)

    def within(self, part: str) -> MemoryReceipts:
        return MemoryReceipts(self.notes, self.ledger, f"{self._part}{part}/")

    def clear(self) -> None:
        for name in [name for name in self.notes if name.startswith(self._part)]:
            del self.notes[name]

    def reserve(self, provider: str, amount: float | None, budget: float | None) -> None:
        spent = sum(entry[1] or 0 for entry in self.ledger.values())
        if self._part not in self.ledger and budget is not None and amount and spent + amount > budget:
            raise OverBudget("The budget would be overrun.")
        self.ledger.setdefault(self._part, [provider, amount, "reserved"])

    def settle(self, amount: float | None, source: str) -> None:
        self.ledger[self._part][1:] = [amount, source]

    def release(self) -> None:
        self.ledger.pop(self._part, None)


class MemoryReceiptBook:
    """`studio.core.ports.ReceiptBook` for tests without money."""

    def of(self, job: str) -> MemoryReceipts:
        return MemoryReceipts()

    def forget(self, job: str) -> None: ...

    def forgive(self, job: str) -> None: ...

    def spent(self, days: int = 31) -> list:
        return []
