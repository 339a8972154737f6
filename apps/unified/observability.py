"""Who watches the server: its metrics, and traces where they are configured."""

from apps.unified.observability_figures import Figures
from opentalking.core.turns import TurnObserver


class Observability:
    """Everything that watches; `observers` are lent to the worker."""

    def __init__(self) -> None:
        self.figures = Figures()

    @property
    def observers(self) -> tuple[TurnObserver, ...]:
        """Who is told how turns went."""
        return (self.figures,)
