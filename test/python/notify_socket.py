"""The socket on which systemd hears services (sd_notify(3)): prints `open`, then each message in one line.

File descriptors that come along are closed at once: `systemd-notify` sends one with BARRIER=1 and waits for that.
"""
import os
import socket
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
print("open")
while True:
    message, descriptors, _flags, _address = socket.recv_fds(listener, 65536, 8)
    for descriptor in descriptors:
        os.close(descriptor)
    print(message.decode().strip().replace("\n", " "))
