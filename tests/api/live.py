"""The API with a real worker behind it, whose models are the shipped fakes."""

from pathlib import Path

from apps.unified.observability_figures import Figures
from apps.unified.observability_metrics import MetricsPage
from opentalking.core.providers import SpeechToText
from opentalking.engine.config import EngineConfig, Toolbox
from opentalking.engine.worker import Worker
from opentalking.media.clock import MediaTicker
from opentalking.media.idle import IdleCache
from opentalking.providers.fake import FlatRenderer, ScriptedModel, ToneVoice
from tests.api.harness import Api
from tests.support.virtual_time import InlineExecutor


class LiveApi(Api):
    """Sessions of the model "portrait" live: they hear with `recognisers`, and speak tones."""

    def __init__(
        self, folder: Path, recognisers: dict[str, SpeechToText], config: EngineConfig | None = None
    ) -> None:
        super().__init__(folder)
        executor = InlineExecutor()
        self.figures = Figures()
        self.recognisers = recognisers
        toolbox = Toolbox(
            events=self.events,
            commands=self.bus,
            store=self.store,
            avatars=self.services.avatars,
            renderers={"portrait": FlatRenderer()},
            speakers={"local": ToneVoice("local", voices=("joe",))},
            chat_model=ScriptedModel(),
            ticker=MediaTicker(),
            idle_cache=IdleCache(None, executor),
            encode_pool=executor,
            recognisers=recognisers,
            observers=(self.figures,),
        )
        worker = Worker(toolbox, config or EngineConfig())
        self.run_worker = worker.run
        self.services.metrics = MetricsPage(self.figures, toolbox, worker).render
