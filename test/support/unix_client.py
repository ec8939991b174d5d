"""A client of a Unix socket, which Node cannot be.

unix_client.py (SOCK_SEQPACKET|SOCK_DGRAM) PATH [OWN_PATH]

Lines of the standard input are commands: `send HEX`, `pause` and `resume`
(reading), `storm N` (so many connections that come and go). Each packet that
comes in is a line of hexadecimal digits; the end of the connection is `end`.
"""
import socket
import sys
import threading

kind, path = getattr(socket, sys.argv[1]), sys.argv[2]
client = socket.socket(socket.AF_UNIX, kind)
if len(sys.argv) > 3:
    client.bind(sys.argv[3])
client.connect(path)
reading = threading.Event()
reading.set()


def say(line):
    print(line, flush=True)


def read():
    while True:
        reading.wait()
        try:
            packet = client.recv(1 << 24)
        except ConnectionResetError:
            packet = b""
        if not packet:
            break
        say(packet.hex())
    say("end")


def storm(count):
    for n in range(count):
        with socket.socket(socket.AF_UNIX, kind) as other:
            other.connect(path)
            if n % 3:
                other.send(b"\xff\x00{garbage")
    say("calm")


say("connected")
threading.Thread(target=read, daemon=True).start()
for line in sys.stdin:
    command, _, argument = line.strip().partition(" ")
    if command == "send":
        client.send(bytes.fromhex(argument))
    elif command == "pause":
        reading.clear()
    elif command == "resume":
        reading.set()
    elif command == "storm":
        storm(int(argument))
