"""A device written from schemas/PROTOCOL.md alone: one short dialogue for each thing that a device lives through.

Usage: device.py URL DIALOGUE, with the key in $KEY. Prints what it saw as JSON lines; exit code 1 if the broker did
something that the page does not say. Needs Debian's python3-websockets and python3-cbor2.
"""
import asyncio
import json
import sys

import cbor2
import websockets

from connection import BATCH, ERROR, EVENT, TELEMETRY, Device, connect, report

T0 = 1_780_000_000_000


async def telemetry():
    """P-2.4, P-4: by name, by position, several at once, and an event."""
    async with connect() as socket:
        device = Device(socket)
        await device.greet(fields=["temp", "rpm"], model="P7", firmware="1.4.2")
        await device.send(TELEMETRY, 1, T0, {"temp": 21.5, "ok": True, "mode": "auto", "raw": b"\x01\x02"})
        await device.send(TELEMETRY, 2, T0 + 1000, [22.5, 1450])
        await device.send(BATCH, 3, T0 + 2000, [[0, [23.5, 1460]], [1000, [24.5]], [2000, [None, 1480]]])
        await device.send(EVENT, 4, None, 2, "overheat", {"temp": 98})
        report(subprotocol=socket.subprotocol, acknowledged=await device.acknowledged(4))


async def resume():
    """P-3.2: a cut, and then the same boot: what is held is dropped, the rest is sent again."""
    outbox = {seq: (TELEMETRY, seq, T0 + seq, {"count": seq}) for seq in range(1, 9)}
    async with connect() as socket:
        device = Device(socket)
        await device.greet()
        for seq in range(1, 6):
            await device.send(*outbox[seq])
        report(acknowledged=await device.acknowledged(5))
        for seq in range(6, 9):
            await device.send(*outbox[seq])
        socket.transport.abort()
    async with connect() as socket:
        device = Device(socket)
        await device.greet()
        # A careful device resends only what is above `durable`; a careless one changes nothing either (P-4.3).
        for seq in range(3, 9):
            await device.send(*outbox[seq])
        report(acknowledged=await device.acknowledged(8))


async def refused(query=""):
    """P-1.5: a plain HTTP answer before the upgrade."""
    try:
        async with connect(query):
            report(refused=None)
    except websockets.InvalidStatusCode as refusal:
        report(refused=refusal.status_code, type=refusal.headers["Content-Type"].split(";")[0])


async def refused_as_another():
    await refused("?device=pump-8")


async def closed_after(message):
    """Sends one message that must not be, and tells the error frames and the close that follow."""
    async with connect() as socket:
        device = Device(socket)
        await device.greet()
        await socket.send(message)
        seen = []
        try:
            while True:
                seen.append((await device.receive(ERROR))[0])
        except websockets.ConnectionClosed as closed:
            report(errors=seen, code=closed.code)


async def text():
    await closed_after(json.dumps([TELEMETRY, 1, None, {"temp": 21.5}]))


async def tagged():
    await closed_after(cbor2.dumps([TELEMETRY, 1, cbor2.CBORTag(1, 1_780_000_000), {"temp": 21.5}]))


async def too_big():
    await closed_after(bytes(65 * 1024))


DIALOGUES = {
    "telemetry": telemetry,
    "resume": resume,
    "wrong-key": refused,
    "wrong-device": refused_as_another,
    "text": text,
    "tagged": tagged,
    "too-big": too_big,
}

asyncio.run(asyncio.wait_for(DIALOGUES[sys.argv[2]](), timeout=20))
