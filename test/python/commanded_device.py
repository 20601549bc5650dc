"""A device that executes commands and applies desired values, written from schemas/PROTOCOL.md alone (P-5, P-6).

Usage: commanded_device.py URL DIALOGUE, with the key in $KEY. Prints what it saw as JSON lines; exit code 1 if the
broker did something that the page does not say.
"""
import asyncio
import sys

from connection import COMMAND, DESIRED, ERROR, REPORTED, RESULT, TELEMETRY, Device, connect, report

ACCEPTED, PROGRESS, DONE, FAILED, REJECTED = 1, 2, 3, 4, 5


class Commands:
    """P-5.2: what became of each id. Outlives connections; a real device keeps it over restarts, too."""

    def __init__(self):
        self.results = {}

    async def take(self, device):
        await self.answer(device, *await device.receive(COMMAND))

    async def answer(self, device, id, name, args, ttl):
        """As the table of P-5 says."""
        known = self.results.get(id)
        report(command=name, args=args, lives=ttl > 0, known=known is not None)
        if known:
            await device.send(RESULT, id, *known)
        elif name == "open":
            self.results[id] = (ACCEPTED,)
            await device.send(RESULT, id, ACCEPTED)
            await device.send(RESULT, id, PROGRESS, {"percent": 50, "note": "opening"})
            await self.finish(device, id, DONE, {"position": args["percent"]})
        elif name == "break":
            await self.finish(device, id, FAILED, {"reason": "valve stuck"})
        else:
            await self.finish(device, id, REJECTED, {"reason": f"no command {name}"})

    async def finish(self, device, id, *result):
        self.results[id] = result
        await device.send(RESULT, id, *result)


async def settled(device, seq):
    """An ack of telemetry that was sent after a result, or a report, covers it."""
    await device.send(TELEMETRY, seq, None, {"seq": seq})
    report(acknowledged=await device.acknowledged(seq))


async def commands():
    """Three commands: one that is done, one that fails, one that it does not know."""
    known = Commands()
    async with connect() as socket:
        device = Device(socket)
        await device.greet()
        for _ in range(3):
            await known.take(device)
        await settled(device, 1)


async def repeated():
    """It executes a command, and its connection is cut before it can say so: the command comes again."""
    known = Commands()
    executed = 0
    async with connect() as socket:
        device = Device(socket)
        await device.greet()
        id, name, args, _ttl = await device.receive(COMMAND)
        executed += 1
        known.results[id] = (DONE, {"executed": executed})
        report(command=name, args=args)
        socket.transport.abort()
    async with connect() as socket:
        device = Device(socket)
        await device.greet()
        await known.take(device)
        await settled(device, 1)


async def desired():
    """It applies a document, where an interval below 5 s is not possible, and reports what is in force."""
    async with connect() as socket:
        device = Device(socket)
        await device.greet()
        version, values = await device.receive(DESIRED)
        report(version=version, values=values)
        await device.send(REPORTED, version, {"interval": max(5, values["interval"])})
        await settled(device, 1)
        version, values = await device.receive(DESIRED)
        report(version=version, values=values)
        await device.send(REPORTED, version, values)
        await settled(device, 2)


async def offline():
    """What was desired and asked for while it was away comes after the greeting (P-3.3)."""
    known = Commands()
    async with connect() as socket:
        await Device(socket).greet()
    report(away=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    async with connect() as socket:
        device = Device(socket)
        await device.greet()
        for _ in range(2):
            kind, *parts = await device.next()
            if kind == COMMAND:
                await known.answer(device, *parts)
            elif kind == DESIRED:
                report(version=parts[0], values=parts[1])
                await device.send(REPORTED, *parts)
        await settled(device, 1)


async def small():
    """P-3.2: its buffer has 4 KiB, and it says so: what is larger never comes, and the connection holds."""
    known = Commands()
    async with connect(max_size=4096) as socket:
        device = Device(socket)
        await device.greet(maxFrame=4096)
        await known.take(device)
        await settled(device, 1)


async def unasked():
    """P-5, P-8: a result that nobody asked for; the error names the command."""
    async with connect() as socket:
        device = Device(socket)
        await device.greet()
        await device.send(RESULT, "c-9", DONE)
        await device.send(RESULT, "c-8", 9)
        for _ in range(2):
            code, _message, seq, id = await device.receive(ERROR)
            report(code=code, seq=seq, id=id)
        await device.send(REPORTED, 7, {"interval": 5})
        code, _message, *rest = await device.receive(ERROR)
        report(code=code, rest=rest)
        await settled(device, 1)


DIALOGUES = {"small": small, "unasked": unasked, "commands": commands, "repeated": repeated, "desired": desired, "offline": offline}

asyncio.run(asyncio.wait_for(DIALOGUES[sys.argv[2]](), timeout=280))
