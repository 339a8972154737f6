"""Files as attachments, whole or in byte ranges (RFC 9110, section 14)."""

import asyncio
import json
import os
import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from opentalking.core.errors import NotFound

_NUMBER = r"[0-9]{1,18}"  # no file is larger, and Python turns no text of thousands of digits into a number
_RANGE = rf"(?:{_NUMBER}-(?:{_NUMBER})?|-{_NUMBER})"
_RANGES = re.compile(rf"\s*bytes\s*=\s*{_RANGE}(?:\s*,\s*{_RANGE})*\s*", re.IGNORECASE)
_BEYOND = json.dumps({"detail": "the range lies beyond the end of the file; ask for less"}).encode()


class Download(FileResponse):
    """A file that a browser saves; a `Range` that makes no sense is ignored, one beyond the end is 416."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with 200, 206 or 416; raises `NotFound` when the file was deleted in this moment."""
        try:
            file = await asyncio.to_thread(open, self.path, "rb")
        except FileNotFoundError:
            raise NotFound("the file was deleted in this moment") from None
        with file:
            # Whoever deletes the file from now on takes its name, not what is being sent.
            self.path = f"/proc/self/fd/{file.fileno()}"
            self.stat_result = os.fstat(file.fileno())
            self.set_stat_headers(self.stat_result)
            await self._send(scope, receive, send)

    async def _send(self, scope: Scope, receive: Receive, send: Send) -> None:
        wanted = Headers(scope=scope).get("range")
        if wanted is not None and not _makes_sense(wanted):
            headers = [(name, value) for name, value in scope["headers"] if name != b"range"]
            scope = {**scope, "headers": headers}
        is_beyond = False

        async def explained(message: Message) -> None:
            nonlocal is_beyond
            if message["type"] == "http.response.start" and message["status"] == 416:
                is_beyond = True
                told = MutableHeaders(raw=list(message["headers"]))
                told["content-type"], told["content-length"] = "application/json", str(len(_BEYOND))
                message = {**message, "headers": told.raw}
            elif is_beyond:
                message = {**message, "body": _BEYOND}
            await send(message)

        await super().__call__(scope, receive, explained)


def _makes_sense(wanted: str) -> bool:
    if _RANGES.fullmatch(wanted) is None:
        return False
    return all(int(first) <= int(last) for first, last in re.findall(r"([0-9]+)-([0-9]+)", wanted))
