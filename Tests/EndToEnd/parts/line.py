"""A TCP line between two who talk, that can be cut under them."""

import contextlib
import socket
import threading


class Line:
    """A line to a port of this machine that is cut once for each call of a tool, a while after the call has passed."""

    def __init__(self, port: int, is_cut: bool = True) -> None:
        self.target = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.is_cut = is_cut
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near = self.listener.accept()[0]
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()
                continue
            threading.Thread(target=self._pass, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, False), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, is_up: bool) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
                if is_up and self.is_cut and b'"tools/call"' in data:
                    threading.Timer(1, self._cut, (source, sink)).start()
        except OSError:
            pass
        for end in (source, sink):
            end.close()

    def _cut(self, *ends: socket.socket) -> None:
        self.cuts += 1
        for end in ends:
            # Wakes the readers, which close what is left of the line.
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.listener.close()
