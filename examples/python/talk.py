"""Talk with a character from a terminal: `python examples/python/talk.py "Who are you?"`."""

import argparse

from opentalking.client import Client
from opentalking.core.events import ErrorEvent, SpeechEndedEvent, SubtitleEvent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", nargs="?", default="Hello! Who are you?")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the server")
    parser.add_argument("--avatar", default="demo-avatar")
    parser.add_argument("--verbatim", action="store_true", help="say the text instead of answering it")
    parser.add_argument("--api-key", default="", help="for servers that ask for one")
    wishes = parser.parse_args()

    with Client(wishes.url, api_key=wishes.api_key) as client:
        model = client.list_models().default_model
        session_id = client.create_session(wishes.avatar, model).session_id
        try:
            # Before the turn, so that none of its events is missed.
            with client.events(session_id, timeout_seconds=120) as events:
                events.wait_until_ready()
                talk = client.speak if wishes.verbatim else client.chat
                turn_id = talk(session_id, wishes.text).turn_id
                for event in events:
                    match event:
                        case SubtitleEvent(text=caption):
                            print(caption, end="", flush=True)  # as it is heard
                        case ErrorEvent(code=code, message=message):
                            print(f"\n[{code}: {message}]")
                        case SpeechEndedEvent() if event.turn_id == turn_id:
                            print(f"\n[{event.reason}]")
                            break
        finally:
            client.delete_session(session_id)


if __name__ == "__main__":
    main()
