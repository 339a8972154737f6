"""Two characters answer the same question at once: `python examples/python/talk_async.py "Who are you?"`."""

import argparse
import asyncio

from opentalking.client import AsyncClient
from opentalking.core.events import AssistantMessageEvent, ErrorEvent, SpeechEndedEvent


async def ask(client: AsyncClient, avatar_id: str, model: str, question: str) -> None:
    """One session, from its beginning to its end."""
    session_id = (await client.create_session(avatar_id, model)).session_id
    try:
        async with client.events(session_id, timeout_seconds=120) as events:
            await events.wait_until_ready()
            turn = await client.chat(session_id, question)
            async for event in events:
                match event:
                    case AssistantMessageEvent(text=answer):
                        print(f"{avatar_id}: {answer}", flush=True)
                    case ErrorEvent(code=code, message=message):
                        print(f"{avatar_id} [{code}: {message}]")
                    case SpeechEndedEvent(reason=reason) if event.turn_id == turn.turn_id:
                        print(f"{avatar_id} [{reason}]", flush=True)
                        return
    finally:
        await client.delete_session(session_id)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("question", nargs="?", default="Hello! Who are you?")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="the server")
    parser.add_argument("--avatars", nargs="+", default=["demo-avatar", "nova"])
    parser.add_argument("--api-key", default="", help="for servers that ask for one")
    wishes = parser.parse_args()

    async with AsyncClient(wishes.url, api_key=wishes.api_key) as client:
        model = (await client.list_models()).default_model
        async with asyncio.TaskGroup() as talks:
            for avatar_id in wishes.avatars:
                talks.create_task(ask(client, avatar_id, model, wishes.question))


if __name__ == "__main__":
    asyncio.run(main())
