"""A connection of a device, written from schemas/PROTOCOL.md alone: frames in and out as lists. Needs Debian's
python3-websockets and python3-cbor2. The address is the first argument of the program, the key is in $KEY.
"""
import json
import os
import sys

import cbor2
import websockets

HELLO, TELEMETRY, BATCH, EVENT, RESULT, REPORTED = 0, 1, 2, 3, 4, 5
WELCOME, ACK, COMMAND, DESIRED, ERROR = 16, 17, 18, 19, 20
BOOT = 4711


def report(**seen):
    """One line for the test that runs this program."""
    print(json.dumps(seen), flush=True)


class Device:
    """One connection. `socket` is the library's."""

    def __init__(self, socket):
        self.socket = socket

    async def send(self, *frame):
        await self.socket.send(cbor2.dumps(list(frame)))

    async def next(self):
        return cbor2.loads(await self.socket.recv())

    async def receive(self, kind):
        frame = await self.next()
        assert frame[0] == kind, f"expected frame {kind}, got {frame}"
        return frame[1:]

    async def acknowledged(self, seq):
        """P-4.2: acks are cumulative and may be merged; waits for the one that covers `seq`."""
        durable = -1
        while durable < seq:
            (durable,) = await self.receive(ACK)
        return durable

    async def greet(self, **hello):
        """P-3: welcome, hello, and how far the broker has come with this boot."""
        (welcome,) = await self.receive(WELCOME)
        await self.send(HELLO, {"boot": BOOT, **hello})
        (durable,) = await self.receive(ACK)
        report(welcome=sorted(welcome), limits=sorted(welcome["limits"]), durable=durable)
        return durable


def connect(query="", **options):
    headers = {"Authorization": f"Bearer {os.environ['KEY']}"}
    url = sys.argv[1].replace("http", "ws", 1) + "/v1/device" + query
    # The library would give up after 10 s.
    patience = {"open_timeout": 280, "close_timeout": 280}
    options = {**patience, "extra_headers": headers, "subprotocols": ["signalbox.v1"], **options}
    return websockets.connect(url, **options)
