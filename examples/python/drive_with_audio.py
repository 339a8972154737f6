"""Let the face speak sound of your own, sent as it plays: `python …/drive_with_audio.py speech.wav`.

Without a file the server's own voice says a sentence first, which is then sent back to drive the face.
"""

import argparse
import io
import threading
import wave
from pathlib import Path

from opentalking.client import Client, EventFeed
from opentalking.core.events import FrameEvent, SpeechEndedEvent

SENTENCE = "This sound came over a WebSocket, and the face moves with it."


def samples_of(wav: bytes) -> tuple[int, bytes]:
    """Rate and 16-bit mono samples of a WAV file."""
    with wave.open(io.BytesIO(wav)) as sound:
        if (sound.getnchannels(), sound.getsampwidth()) != (1, 2):
            raise SystemExit("the file must be WAV, mono, 16 bit")
        return sound.getframerate(), sound.readframes(sound.getnframes())


def watch(events: EventFeed) -> None:
    """Say what the session does, until its turn is over."""
    frames = 0
    for event in events:
        if isinstance(event, FrameEvent):
            frames += 1
        elif isinstance(event, SpeechEndedEvent):
            print(f"{event.type} [{event.reason}] after {frames} pictures", flush=True)
            return
        else:
            print(event.type, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the server")
    parser.add_argument("--avatar", default="demo-avatar")
    parser.add_argument("--api-key", default="", help="for servers that ask for one")
    wishes = parser.parse_args()

    with Client(wishes.url, api_key=wishes.api_key) as client:
        wav = wishes.file.read_bytes() if wishes.file else client.preview_voice(SENTENCE)
        rate, samples = samples_of(wav)
        model = client.list_models().default_model
        session_id = client.create_session(wishes.avatar, model).session_id
        try:
            with client.events(session_id, timeout_seconds=120) as events:
                events.wait_until_ready()
                watcher = threading.Thread(target=watch, args=(events,))
                with client.stream_audio(session_id, sample_rate=rate) as sound:
                    watcher.start()
                    piece_bytes = rate // 50 * 2  # 20 ms; the server takes it at its own pace
                    for start in range(0, len(samples), piece_bytes):
                        sound.send(samples[start : start + piece_bytes])
                    sound.finish()
                watcher.join()
        finally:
            client.delete_session(session_id)


if __name__ == "__main__":
    main()
