"""`GET /metrics`: the server's figures in the text formats of Prometheus."""

import asyncio
import platform
from collections import Counter
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from apps.unified.observability_figures import Figures, Labels
from opentalking import __version__
from opentalking.core.sessions import SessionState
from opentalking.engine.config import Toolbox
from opentalking.engine.worker import Worker
from opentalking.media.figures import TimeCounts

PREFIX = "opentalking_"


class MetricsPage:
    """Renders what `figures` and the parts of one worker say; nothing in it is global.

    The figures are copied on the event loop, in one breath; the text is made of them in a thread, for
    one scrape at a time.
    """

    def __init__(self, figures: Figures, toolbox: Toolbox, worker: Worker) -> None:
        self._figures = figures
        self._toolbox = toolbox
        self._worker = worker
        self._process = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._process)
        self._one = asyncio.Lock()

    async def render(self, accept: str = "") -> tuple[bytes, str]:
        """The text and its content type, as the `Accept` header of the request wants it."""
        encode, content_type = choose_encoder(accept)
        async with self._one:
            records = await self._toolbox.store.all()
            sessions = Counter(record.state for record in records)
            read = _Read([*self._media(), *self._sessions(sessions)], self._figures.copy(), self._process)
            return await asyncio.to_thread(encode, read), content_type

    def _sessions(self, sessions: Mapping[SessionState, int]) -> Iterable[Metric]:
        by_state = _gauge("sessions", "Sessions by state.", ["state"])
        for state in SessionState:
            by_state.add_metric([state.value], sessions.get(state, 0))
        yield by_state
        admission = self._worker.admission
        yield _gauge("queue_length", "Sessions that wait for a place.", value=admission.queue_size)
        occupied = "Whether a new session of a single-slot model, or of any when full, would wait."
        yield _gauge("slot_occupied", occupied, value=int(admission.slot_occupied))
        build = _gauge("build_info", "Version of the server and of Python.", ["version", "python"])
        build.add_metric([__version__, platform.python_version()], 1)
        yield build

    def _media(self) -> Iterable[Metric]:
        totals, ticker = self._toolbox.output_totals, self._toolbox.ticker
        sent = _counter("pictures_sent", "Pictures that went out, by where they came from.", ["source"])
        for source, count in totals.sent.items():
            sent.add_metric([source], count)
        yield sent
        dropped = "Pictures of turns that were due and did not go out."
        yield _counter("pictures_dropped", dropped, value=totals.dropped)
        yield _gauge(
            "pictures_per_second", "Pictures that go out now, all sessions.", value=totals.per_second
        )
        yield _gauge("media_outputs", "Outputs that the media clock drives.", value=ticker.outputs)
        late = "How late ticks of the media clock came after their deadline."
        yield _histograms("tick_late_seconds", late, [], {(): ticker.late.copy()})
        skipped = "Ticks that were left out because the clock was too far behind."
        yield _counter("ticks_skipped", skipped, value=ticker.skipped_ticks)


class _Read(Collector):
    """What was read on the loop; the rest of the work is done wherever it is collected."""

    def __init__(self, metrics: list[Metric], figures: Figures, process: CollectorRegistry) -> None:
        self._metrics = metrics
        self._figures = figures
        self._process = process

    def collect(self) -> Iterable[Metric]:
        yield from self._metrics
        yield from self._turns()
        yield from self._process.collect()

    def _turns(self) -> Iterable[Metric]:
        figures = self._figures
        labels = ["kind", "source", "outcome"]
        yield _counts("turns", "Turns that have ended.", labels, figures.turns)
        moment = "When things happened in turns, since the end of the user's speech, else the request."
        yield _histograms("turn_moment_seconds", moment, ["moment", *labels], figures.moments)
        stage = "How long stages of turns were waited for."
        yield _histograms("turn_stage_seconds", stage, ["stage", "source"], figures.stages)
        offset = "How far a turn's pictures were behind their own sound when they left (median of each turn)."
        yield _histograms("turn_av_offset_seconds", offset, [], {(): figures.av_offset})
        silence = "How long pages still sounded after an interruption, as they report it."
        yield _histograms("page_silence_seconds", silence, [], {(): figures.page_silence})
        yield _counts("barge_ins", "People who spoke while the avatar did.", ["outcome"], figures.barge_ins)
        yield _counts("errors", "Failures by stage and code.", ["stage", "code"], figures.errors)


def _gauge(
    name: str, words: str, labels: list[str] | None = None, value: float | None = None
) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, words, value=value, labels=labels)


def _counter(
    name: str, words: str, labels: list[str] | None = None, value: float | None = None
) -> CounterMetricFamily:
    return CounterMetricFamily(PREFIX + name, words, value=value, labels=labels)


def _counts(name: str, words: str, labels: list[str], counts: Mapping[Labels, int]) -> CounterMetricFamily:
    family = _counter(name, words, labels)
    for key, count in counts.items():
        family.add_metric(list(key), count)
    return family


def _histograms(
    name: str, words: str, labels: list[str], histograms: Mapping[Labels, TimeCounts]
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(PREFIX + name, words, labels=labels)
    for key, counts in histograms.items():
        family.add_metric(list(key), _buckets(counts), counts.sum_seconds)
    return family


def _buckets(counts: TimeCounts) -> list[tuple[str, float]]:
    """Cumulative, the last one without a bound."""
    buckets: list[tuple[str, float]] = []
    total = 0
    for bound, count in zip((*map(str, counts.bounds), "+Inf"), counts.counts, strict=True):
        total += count
        buckets.append((bound, total))
    return buckets
