# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs in the cage to try connections that no ordinary program makes.

usage: client.py WHAT HOST [N]
"""
import asyncio
import socket
import ssl
import struct
import sys
import time

WHAT, HOST = sys.argv[1:3]
N = int(sys.argv[3]) if len(sys.argv) > 3 else 0


async def one(port, hold):
    reader, writer = await asyncio.open_connection(HOST, port)
    line = await reader.readline()
    if hold:
        await hold.wait()
    writer.write(b"ping\n")
    answer = await reader.readline()
    writer.close()
    return line == b"hello\n" and answer == b"ping\n"


async def parallel():
    """N connections at the same time; all of them open before any goes on."""
    hold, count = asyncio.Event(), 0

    async def greeted():
        nonlocal count
        reader, writer = await asyncio.open_connection(HOST, 7000)
        assert await reader.readline() == b"hello\n"
        count += 1
        if count == N:
            hold.set()
        await hold.wait()
        writer.write(b"ping\n")
        assert await reader.readline() == b"ping\n"
        writer.close()

    await asyncio.gather(*(greeted() for _ in range(N)))
    print(count)


async def serial():
    """N connections, 50 at a time."""
    good = 0
    for _ in range(N // 50):
        good += sum(await asyncio.gather(*(one(7000, None) for _ in range(50))))
    print(good)


def half_close():
    conn = socket.create_connection((HOST, 7001))
    conn.sendall(bytes(N))
    conn.shutdown(socket.SHUT_WR)
    print(conn.makefile().read().strip())


def reset():
    conn = socket.create_connection((HOST, 7002))
    assert conn.recv(10, socket.MSG_WAITALL) == b"0123456789"
    conn.sendall(b"x")
    try:
        print("end" if conn.recv(1) == b"" else "data")
    except ConnectionResetError:
        print("reset")


def our_reset():
    """Resets N connections in the middle of a stream."""
    for _ in range(N):
        conn = socket.create_connection((HOST, 7003))
        conn.recv(100000)
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        conn.close()
    print("done")


def slow():
    """N connections that do not read and N that are not read from; then one more must be quick."""
    held = []
    for port in (7003, 7004):
        for _ in range(N):
            conn = socket.create_connection((HOST, port))
            conn.setblocking(False)
            held.append(conn)
            try:
                while port == 7004:
                    conn.send(bytes(65536))
            except BlockingIOError:
                pass
    start = time.monotonic()
    conn = socket.create_connection((HOST, 7000))
    assert conn.recv(6) == b"hello\n"
    print("quick" if time.monotonic() - start < 1 else "slow")


def dribble():
    """A ClientHello byte by byte."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname=HOST)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    conn = socket.create_connection((HOST, 443))
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in outgoing.read():
        conn.sendall(bytes([byte]))
    print(conn.recv(1)[0])  # 22: a handshake record comes back


def tls(port, name, extra=b""):
    """The first byte of the answer to a ClientHello for name; "" and "reset" for none."""
    context = ssl.create_default_context()
    context.check_hostname = False
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname=name)
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = outgoing.read()
    if extra:
        hello = add_extension(hello, extra)
    conn = socket.create_connection((HOST, port))
    conn.sendall(hello)
    try:
        got = conn.recv(1)
        return got[0] if got else "end"
    except ConnectionResetError:
        return "reset"


def add_extension(record, extra):
    """Adds an extension to the end of a ClientHello in one record, mending the lengths."""
    body = bytearray(record[9:])
    at = 34
    at += 1 + body[at]
    at += 2 + int.from_bytes(body[at : at + 2], "big")
    at += 1 + body[at]
    size = int.from_bytes(body[at : at + 2], "big") + len(extra)
    body[at : at + 2] = size.to_bytes(2, "big")
    body += extra
    return record[:3] + (len(body) + 4).to_bytes(2, "big") + b"\x01" + len(body).to_bytes(3, "big") + bytes(body)


def udp():
    conn = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    conn.settimeout(2)
    try:
        conn.connect((HOST, N))
        conn.send(b"x")
        conn.recv(1)
        print("answered")
    except OSError as error:
        print(error.strerror or "timed out")


def icmp():
    for kind in (socket.SOCK_RAW, socket.SOCK_DGRAM):
        try:
            conn = socket.socket(socket.AF_INET, kind, socket.IPPROTO_ICMP)
            conn.sendto(bytes([8, 0, 0xF7, 0xFF, 0, 0, 0, 0]), (HOST, 0))
            print("sent")
            return
        except OSError:
            pass
    print("refused")


def raw_connect():
    try:
        socket.create_connection((HOST, N), timeout=5)
        print("connected")
    except OSError as error:
        print(error.strerror or "timed out")


def echo_server():
    """A dev server: answers one line on N, on IPv6 only when HOST says so."""
    with socket.create_server((HOST, N), family=socket.AF_INET6 if ":" in HOST else socket.AF_INET) as server:
        print("listening", flush=True)
        for _ in range(3):
            conn, _ = server.accept()
            conn.sendall(b"from the cage\n")
            conn.close()


def latency():
    """Median of N connects up to the first byte of the server, in microseconds."""
    address = socket.getaddrinfo(HOST, 7000, socket.AF_INET)[0][4]
    times = []
    for _ in range(N):
        conn = socket.socket()
        start = time.perf_counter()
        conn.connect(address)
        conn.recv(6)
        times.append(time.perf_counter() - start)
        conn.close()
    print(int(sorted(times)[N // 2] * 1e6))


def throughput():
    """MB a second of N MB from the server that sends without end."""
    conn = socket.create_connection((HOST, 7003))
    buffer, left = bytearray(1 << 20), N << 20
    start = time.perf_counter()
    while left > 0:
        left -= conn.recv_into(buffer)
    print(int(N / (time.perf_counter() - start)))


ECH = b"\xfe\x0d\x00\x08\x00\x00\x01\x00\x01\x00\x00\x00"
actions = {
    "parallel": lambda: asyncio.run(parallel()),
    "serial": lambda: asyncio.run(serial()),
    "tls-same": lambda: print(tls(N or 443, HOST)),
    "tls-other": lambda: print(tls(N or 443, "other.test")),
    "tls-none": lambda: print(tls(N or 443, None)),
    "tls-ech": lambda: print(tls(N or 443, HOST, ECH)),
    "half-close": half_close,
    "reset": reset,
    "our-reset": our_reset,
    "slow": slow,
    "dribble": dribble,
    "udp": udp,
    "icmp": icmp,
    "connect": raw_connect,
    "listen": echo_server,
    "latency": latency,
    "throughput": throughput,
}
actions[WHAT]()
