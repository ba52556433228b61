# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers that the network tests talk to, all in one process, in a network namespace of their own.

usage: servers.py WWW CERT KEY LOG ADDRESS ADDRESS6 PROXY_ADDRESS

On ADDRESS: 80 and 8080 (files of WWW), 443 and 8443 (the same over TLS), 7000 (greets, then echoes), 7001 (reads to the
end, then says how much), 7002 (resets), 7003 (sends without end), 7004 (accepts and never reads). On ADDRESS6: 80.
On PROXY_ADDRESS: 3128, an HTTP proxy that knows CONNECT. Each request to the proxy is a line of LOG.
"""
import functools
import http.server
import socket
import ssl
import struct
import sys
import threading

WWW, CERT, KEY, LOG, ADDRESS, ADDRESS6, PROXY_ADDRESS = sys.argv[1:]


class Files(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass


class FileServer(http.server.ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True


class FileServer6(FileServer):
    address_family = socket.AF_INET6


def serve_files(address, port, tls=False):
    kind = FileServer6 if ":" in address else FileServer
    server = kind((address, port), functools.partial(Files, directory=WWW))
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERT, KEY)
        # The handshake belongs into the thread of the connection, or a silent client holds up all others.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def greet_and_echo(conn):
    conn.sendall(b"hello\n")
    while data := conn.recv(65536):
        conn.sendall(data)


def count(conn):
    total = 0
    while data := conn.recv(1 << 20):
        total += len(data)
    conn.sendall(b"%d\n" % total)


def reset(conn):
    conn.sendall(b"0123456789")
    conn.recv(1)
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def source(conn):
    block = bytes(1 << 20)
    while True:
        conn.sendall(block)


def hang(conn):
    threading.Event().wait()


def copy(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def proxy(conn):
    head = b""
    while b"\r\n\r\n" not in head:
        data = conn.recv(1)
        if not data:
            return
        head += data
    lines = head.decode().split("\r\n")
    with open(LOG, "a") as log:
        log.write(lines[0] + " | " + " ".join(x for x in lines[1:] if x.lower().startswith("proxy-auth")) + "\n")
    host, port = lines[0].split()[1].rsplit(":", 1)
    if host.startswith("refused"):
        conn.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        return
    up = socket.create_connection((ADDRESS, int(port)))
    # In two parts: the gate must wait for the end of the head and not take what follows it.
    conn.sendall(b"HTTP/1.1 200 Connection ")
    conn.sendall(b"established\r\nX-Test: y\r\n\r\n")
    threading.Thread(target=copy, args=(up, conn), daemon=True).start()
    copy(conn, up)


def run(handler, conn):
    try:
        with conn:
            handler(conn)
    except OSError:
        pass


def serve(handler, address, port):
    listener = socket.create_server((address, port), backlog=2048)

    def loop():
        while True:
            conn, _ = listener.accept()
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=run, args=(handler, conn), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()


threading.stack_size(256 * 1024)
for number, what in ((7000, greet_and_echo), (7001, count), (7002, reset), (7003, source), (7004, hang)):
    serve(what, ADDRESS, number)
serve(proxy, PROXY_ADDRESS, 3128)
for number in (80, 8080):
    serve_files(ADDRESS, number)
for number in (443, 8443):
    serve_files(ADDRESS, number, tls=True)
serve_files(ADDRESS6, 80)
serve_files("169.254.169.254", 80)
print("ready", flush=True)
threading.Event().wait()
