"""A device written from schemas/PROTOCOL.md alone: one short dialogue for each thing that a device lives through.

Usage: device.py URL DIALOGUE, with the key in $KEY. Prints what it saw as JSON lines; exit code 1 if the broker did
something that the page does not say. Needs Debian's python3-websockets and python3-cbor2.
"""
import asyncio
import json
import sys

import cbor2
import websockets

from connection import ACK, BATCH, BOOT, ERROR, EVENT, HELLO, TELEMETRY, WELCOME, Device, connect, report

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


async def corrected():
    """P-3.2: a hello that is refused gets its error and no ack, and is sent again with fewer keys."""
    async with connect() as socket:
        device = Device(socket)
        await device.receive(WELCOME)
        fields = ["temp", "rpm"]
        for hello in ({"fields": fields, "maxFrame": 100}, {"fields": fields, "model": "ü" * 65}, {"fields": fields}):
            await device.send(HELLO, {"boot": BOOT, **hello})
            kind, *parts = await device.next()
            report(kind=kind, first=parts[0])
            if kind == ACK:
                break
        await device.send(TELEMETRY, 1, None, [21.5, 1450])
        report(acknowledged=await device.acknowledged(1))


async def from_zero():
    """P-4.1: a device that numbers from 0 is told so, and goes on from 1."""
    async with connect() as socket:
        device = Device(socket)
        await device.greet()
        await device.send(TELEMETRY, 0, None, {"temp": 20})
        code, _message, seq = await device.receive(ERROR)
        report(code=code, seq=seq)
        await device.send(TELEMETRY, 1, None, {"temp": 21})
        report(acknowledged=await device.acknowledged(1))


async def sleep():
    """P-7.5: it waits for its ack, and goes to sleep for an hour."""
    async with connect() as socket:
        device = Device(socket)
        await device.greet()
        await device.send(TELEMETRY, 1, None, {"temp": 21})
        report(acknowledged=await device.acknowledged(1))
        await socket.close(1000, "sleep 3600")


async def listening():
    """P-7.1: its library hides pings, so it asks for an ack of what it has had acknowledged."""
    async with connect(ping_interval=None) as socket:
        device = Device(socket)
        await device.greet()
        await device.send(TELEMETRY, 1, T0, {"temp": 21})
        report(acknowledged=await device.acknowledged(1))
        for _ in range(3):
            await device.send(TELEMETRY, 1, None, {})
            report(alive=await device.acknowledged(1))


async def clockless():
    """P-4.4: an outbox with uptimes. The run before had no offset, so the power counts as gone for no time."""
    last, before = 90_000, [(60_000, 20.0), (90_000, 20.5)]
    uptime, here = 5_000, [(1_000, 21.0), (4_000, 21.5)]
    async with connect() as socket:
        device = Device(socket)
        await device.greet()
        for seq, (at, temp) in enumerate(before, 1):
            await device.send(TELEMETRY, seq, -(uptime + last - at), {"temp": temp, "old": temp})
        first = here[0][0]
        samples = [[at - first, {"temp": temp}] for at, temp in here]
        await device.send(BATCH, 3, -(uptime - first), samples)
        report(acknowledged=await device.acknowledged(3))


DIALOGUES = {
    "corrected": corrected,
    "from-zero": from_zero,
    "sleep": sleep,
    "listening": listening,
    "clockless": clockless,
    "telemetry": telemetry,
    "resume": resume,
    "wrong-key": refused,
    "wrong-device": refused_as_another,
    "text": text,
    "tagged": tagged,
    "too-big": too_big,
}

asyncio.run(asyncio.wait_for(DIALOGUES[sys.argv[2]](), timeout=280))
