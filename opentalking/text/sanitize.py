"""What a voice should speak of a text that a chat model wrote: no markdown, markup, emoji or code."""

import html
import re
import unicodedata

_FENCE = re.compile(r"```|(?m:^[ \t]*~~~+)")
_TAG_NAMES = (
    "a|abbr|article|aside|audio|b|blockquote|body|br|button|caption|center|cite|code|col|dd|del|details|div|dl|dt|em|"
    "figure|figcaption|font|footer|form|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|kbd|label|li|link|main|"
    "mark|meta|nav|ol|p|pre|q|s|samp|section|small|source|span|strike|strong|sub|summary|sup|svg|table|tbody|td|th|"
    "thead|title|tr|tt|u|ul|var|video|script|style"
)
_COMMENT = re.compile(r"<!--[^>]*-->")
_HIDDEN_ELEMENT = re.compile(r"<(script|style)\b[^<>]*>[^<]*</\1\s*>", re.IGNORECASE)
_VALUE = r"""(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>]+)"""
_ATTRIBUTE = rf"\s+[a-z][a-z:-]*\s?=\s?{_VALUE}|\s+(?:disabled|open|checked|controls|hidden)"
_TAG = re.compile(rf"</?(?:{_TAG_NAMES})(?:{_ATTRIBUTE})*\s*/?>", re.IGNORECASE)
_BREAK_TAG = re.compile(r"<(?:br|/p|/li|/h[1-6]|/tr|/div)\s*/?>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,40}\]:?")
_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\((?:[^()\n]|\([^()\n]*\))*\)")
_REFERENCE_LINK = re.compile(r"!?\[([^\[\]\n]+)\]\[[^\[\]\n]*\]")
_URL = re.compile(
    r"<?\bhttps?://(?:[^\s/@<>]*@)?(?:www\.)?([^\s/:?#<>()\[\]，。！？；、]+)([^\s<>，。！？；、]*)>?",
    re.IGNORECASE,
)
_CODE_SPAN = re.compile(r"(?<!`)(`{1,2})(?!`)([^`\n]+)\1(?!`)")
_ESCAPE = re.compile(r"\\([*_`#\[\]()~>|])")
_HEADING = re.compile(r"^[ \t]{0,3}#{1,6}(?:[ \t]+|$)")
_HEADING_TAIL = re.compile(r"[ \t]+#+[ \t]*$")
_QUOTE = re.compile(r"^(?:[ \t]{0,3}>[ \t]?)+")
_BULLET = re.compile(r"^[ \t]*[-*+•‣◦▪·][ \t]+(?:\[[ xX]\][ \t]+)?")
_RULE = re.compile(r"^[ \t]*(?:(?:[-*_=][ \t]*){3,}|[-:|\s]*\|[-:|\s]*)$")
_STRONG_FRONT = re.compile(r"(?<![*A-Za-z0-9\\])(\*{1,3})(?=\S)([^*\n]+?)(?<=\S)\1(?!\*)")
_STRONG_BACK = re.compile(r"(?<![*\\])(\*{1,3})(?=\S)([^*\n]+?)(?<=\S)\1(?![*A-Za-z0-9])")
_STRUCK = re.compile(r"~~(?=\S)([^~\n]+?)(?<=\S)~~")
_WIDE = r"[\u2e80-\u9fff\uac00-\ud7af\uff00-\uffef]"
_EMPHASIS_MARK = re.compile(
    rf"(?<![\w*\\])[*_]{{1,3}}(?=[^\s*_])|(?<=[^\s*_\\])[*_]{{1,3}}(?![\w*])|(?<={_WIDE})\*{{1,3}}|\*{{1,3}}(?={_WIDE})"
)
_BETWEEN_SPACES = re.compile(r"(?<!\S)(?:\*\*+|__+|`+|#+)(?!\S)")
_PUNCTUATION_BEFORE = re.compile(r"\s+([,.!?;:](?:\s|$))")
_GAP = re.compile(r"[^\S\n]{5,}")
_LINES = re.compile(r"\n{3,}")
_SENTENCE_END = tuple(".!?。！？…:：;；,，、")


def speakable(text: str) -> str:
    """The words of `text` that a voice should speak, on one line; "" when there are none."""
    return SpeakableStream().feed(text)


def has_speech(text: str) -> bool:
    """Whether anything of `text` would be spoken: a letter, a digit or an ideograph outside code."""
    return bool(speakable(text))


class SpeakableStream:
    """`speakable` for the pieces of one turn: a code fence that opens in one piece silences the next too."""

    def __init__(self) -> None:
        self._in_code = False

    def feed(self, piece: str) -> str:
        """What to speak of the turn's next piece; "" when nothing of it is spoken."""
        kept: list[str] = []
        for number, part in enumerate(_FENCE.split(piece)):
            if number:
                self._in_code = not self._in_code
            if not self._in_code:
                kept.append(part)
        return _clean(" ".join(kept))


def _clean(text: str) -> str:
    # Long runs of white space say nothing and would make the patterns below slow.
    text = _LINES.sub("\n\n", _GAP.sub("    ", text))
    text = _HIDDEN_ELEMENT.sub(" ", _COMMENT.sub(" ", text))
    text = _TAG.sub("", _BREAK_TAG.sub("\n", text))
    text = _ENTITY.sub(lambda match: html.unescape(match.group()), text)
    text = _LINK.sub(r"\1", _FOOTNOTE.sub("", text))
    text = _REFERENCE_LINK.sub(r"\1", text)
    text = _URL.sub(_host, text)
    text = " ".join(filter(None, map(_clean_line, text.splitlines(keepends=True))))
    text = "".join(_spoken_character(character) for character in text)
    text = _PUNCTUATION_BEFORE.sub(r"\1", " ".join(text.split()))
    return text if any(character.isalnum() for character in text) else ""


def _host(match: re.Match[str]) -> str:
    """Keep an address's host, and the punctuation of the sentence around it."""
    host, path = match.groups()
    whole = host + path
    return host.rstrip(".,;:!?)\"'*_") + whole[len(whole.rstrip(".,;:!?)\"'*_")) :]


def _clean_line(whole_line: str) -> str:
    line = whole_line.rstrip("\r\n")
    if _RULE.match(line):
        return ""
    quoted = _QUOTE.sub("", line, count=1) if _QUOTE.match(line) else line
    body = _HEADING.sub("", _BULLET.sub("", quoted, count=1) if _BULLET.match(quoted) else quoted, count=1)
    is_block = body != quoted
    if is_block:
        body = _HEADING_TAIL.sub("", body)
    if body.lstrip().startswith("|"):
        is_block, body = True, ", ".join(filter(None, (cell.strip() for cell in body.split("|"))))
    body = _clean_inline(body).strip()
    # A heading or an item is a sentence of its own; a piece that stops inside one goes on in the next.
    needs_stop = is_block and line != whole_line and body and not body.endswith(_SENTENCE_END)
    return f"{body}." if needs_stop else body


def _clean_inline(line: str) -> str:
    line = _CODE_SPAN.sub(r"\2", line)
    line = _STRUCK.sub(r"\1", line)
    line = _STRONG_BACK.sub(r"\2", _STRONG_FRONT.sub(r"\2", line))
    line = _BETWEEN_SPACES.sub("", _EMPHASIS_MARK.sub("", line))
    return _ESCAPE.sub(r"\1", line.replace("`", ""))


def _spoken_character(character: str) -> str:
    """A character as a voice gets it: pictures and control characters become nothing or a space."""
    if character < "\x7f":
        return character if character >= " " else " "
    category = unicodedata.category(character)
    if category in ("Zs", "Zl", "Zp"):
        return " "
    if category in ("Cc", "Cs", "Co", "Cn") or _is_picture(character, category):
        return " "
    is_joiner = character in "\u200d\u20e3" or "\ufe00" <= character <= "\ufe0f"
    return "" if category == "Cf" or is_joiner else character


def _is_picture(character: str, category: str) -> bool:
    if "\U0001f3fb" <= character <= "\U0001f3ff":
        return True
    if category == "Sm":
        return "\u2190" <= character <= "\u21ff" or "\u27f0" <= character <= "\u297f"
    return category == "So" and character >= "\u2190" and not "\u3200" <= character <= "\u33ff"
