"""Kokoro's symbols as plain IPA, one by one."""

_IPA = {
    "A": "eɪ",
    "I": "aɪ",
    "O": "oʊ",
    "Q": "əʊ",
    "W": "aʊ",
    "Y": "ɔɪ",
    "T": "ɾ",
    "ᵊ": "ə",
    "ᵻ": "ɪ",
    "ʤ": "dʒ",
    "ʧ": "tʃ",
    "ʣ": "dz",
    "ʥ": "dʑ",
    "ʦ": "ts",
    "ʨ": "tɕ",
    "ꭧ": "ʈʂ",
    "→": "˥",
    "↗": "˧˥",
    "↓": "˨˩˦",
    "↘": "˥˩",
}


def ipa(symbol: str) -> str:
    """A symbol of Kokoro's alphabet in IPA; punctuation and stress marks stay as they are."""
    return _IPA.get(symbol, symbol)
