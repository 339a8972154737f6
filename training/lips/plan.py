"""Write what is to be spoken by Kokoro: one JSON line per utterance (phonemes, voices, pace).

    python -m training.lips.plan --misaki DIRECTORY --utterances 2000 --out plan.jsonl

DIRECTORY holds the unpacked wheel misaki 0.9.4 (Apache-2.0), of which the English lexicons and the
Mandarin table are used; Mandarin sentences need jieba, pypinyin and cn2an, too.
"""

import argparse
import json
import random
import re
import sys
from pathlib import Path
from typing import Any

from training.lips import texts

HELD_OUT = {"en": ("am_puck", "bf_emma"), "zh": ("zf_xiaoni", "zm_yunyang")}
"""Voices that only the evaluation hears, also not as a part of a mixture."""

_NATIVE = {
    "us": "af_alloy af_aoede af_bella af_heart af_jessica af_kore af_nicole af_nova af_river af_sarah af_sky "
    "am_adam am_echo am_eric am_fenrir am_liam am_michael am_onyx am_santa",
    "gb": "bf_alice bf_isabella bf_lily bm_daniel bm_fable bm_george bm_lewis",
    "zh": "zf_xiaobei zf_xiaoxiao zf_xiaoyi zm_yunjian zm_yunxi zm_yunxia",
}
_FOREIGN = (
    "ef_dora em_alex em_santa ff_siwis hf_alpha hf_beta hm_omega hm_psi if_sara im_nicola jf_alpha "
    "jf_gongitsune jf_nezumi jf_tebukuro jm_kumo pf_dora pm_alex pm_santa"
).split()
"""Voices made for other languages; mixed with native ones they give more speakers."""

_WEAK = {"a": "ɐ", "the": "ðə", "to": "tə", "and": "ænd", "of": "əv", "for": "fəɹ"}


class English:
    """Phonemes from misaki's lexicons; words that they lack are left out."""

    def __init__(self, misaki: Path, dialect: str) -> None:
        data = misaki / "misaki" / "data"
        self._lexicon: dict[str, Any] = json.loads((data / f"{dialect}_silver.json").read_text("utf-8"))
        self._lexicon |= json.loads((data / f"{dialect}_gold.json").read_text("utf-8"))
        self.words = [
            word
            for word, phonemes in self._lexicon.items()
            if isinstance(phonemes, str) and re.fullmatch("[a-z]{3,9}", word)
        ]

    def phonemes(self, text: str) -> str:
        out = ""
        for token in re.findall(r"[A-Za-z']+|[.,!?;:]|\s+", text):
            out += " " if token.isspace() else token if token in ".,!?;:" else self._word(token)
        return re.sub(" +", " ", out)

    def _word(self, word: str) -> str:
        if word in _WEAK:
            return _WEAK[word]
        for key in (word, word.lower(), word.capitalize()):
            if key in self._lexicon:
                found = self._lexicon[key]
                return str(found if isinstance(found, str) else next(x for x in found.values() if x))
        if word.endswith("'s"):
            return self._word(word[:-2]) + "z"
        return ""


class Mandarin:
    """Phonemes from misaki's table of pinyin."""

    def __init__(self, misaki: Path) -> None:
        sys.path.insert(0, str(misaki))
        from misaki.zh import ZHG2P  # noqa: PLC0415 - only this language needs it

        self._g2p = ZHG2P()

    def phonemes(self, text: str) -> str:
        return str(self._g2p(text)[0])

    def syllables(self, words: list[list[str]]) -> str:
        joined = []
        for word in words:
            joined.append("".join(self._g2p.py2ipa(syllable).replace(chr(815), "") for syllable in word))
        for at in range(2, len(joined) - 1, 3):
            joined[at] += ","
        return " ".join(joined) + "."


def _mixture(rng: random.Random, native: list[str]) -> dict[str, float]:
    kind = rng.random()
    first = rng.choice(native)
    if kind < 0.6:
        return {first: 1.0}
    other = rng.choice(native if kind < 0.75 else _FOREIGN)
    share = round(rng.uniform(0.3, 0.7), 2)
    return {first: 1.0} if other == first else {first: share, other: round(1 - share, 2)}


def plan(misaki: Path, utterances: int, seed: int) -> list[dict[str, Any]]:
    """Jobs in random order, the held-out ones (field `held_out`) first."""
    rng = random.Random(seed)
    english = {"us": English(misaki, "us"), "gb": English(misaki, "gb")}
    mandarin = Mandarin(misaki)

    def job(dialect: str, voices: dict[str, float], *, held_out: bool) -> dict[str, Any]:
        if dialect == "zh":
            spoken = rng.random() < 0.6
            words = texts.chinese_syllables(rng)
            phonemes = mandarin.phonemes(rng.choice(texts.CHINESE)) if spoken else mandarin.syllables(words)
        else:
            phonemes = english[dialect].phonemes(texts.english(rng, english[dialect].words))
        speed = round(rng.choice((1.0, rng.uniform(0.75, 1.25))), 2)
        language = "zh" if dialect == "zh" else "en"
        return {
            "language": language,
            "phonemes": phonemes,
            "voices": voices,
            "speed": speed,
            "held_out": held_out,
        }

    tests = [
        job("zh" if language == "zh" else "gb" if voice[0] == "b" else "us", {voice: 1.0}, held_out=True)
        for language, voices in HELD_OUT.items()
        for voice in voices
        for _ in range(20)
    ]
    jobs = []
    for _ in range(utterances):
        dialect = rng.choices(("us", "gb", "zh"), (0.5, 0.17, 0.33))[0]
        jobs.append(job(dialect, _mixture(rng, _NATIVE[dialect].split()), held_out=False))
    return tests + jobs


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--misaki", type=Path, required=True)
    parser.add_argument("--utterances", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    lines = [
        json.dumps(job, ensure_ascii=False)
        for job in plan(arguments.misaki, arguments.utterances, arguments.seed)
    ]
    arguments.out.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
