"""What a server on the last SDK of the handshake revisions remembers, so that its streams can be taken up again."""

from mcp.server.streamable_http import EventMessage, EventStore


class Events(EventStore):
    """All events, in their order."""

    def __init__(self) -> None:
        self.all: list[tuple[str, object]] = []

    async def store_event(self, stream_id, message):
        self.all.append((stream_id, message))
        return str(len(self.all))

    async def replay_events_after(self, last_event_id, send_callback):
        last = int(last_event_id)
        if not 0 < last <= len(self.all):
            return None
        stream = self.all[last - 1][0]
        for number, (of, message) in enumerate(self.all[last:], last + 1):
            if of == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream
