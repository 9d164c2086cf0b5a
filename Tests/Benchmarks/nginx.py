"""nginx twice: as the fast upstream that answers from memory, and as the plain proxy that the agent is measured against."""

import os
import subprocess
from pathlib import Path

from parts import http
from parts.processes import Process
from parts.world import World, free_port

# Started by root, nginx would serve as somebody else, at whose port the agent sends nothing.
AS_ROOT = "user root;" if os.geteuid() == 0 else ""
COMMON = """\
{as_root}
worker_processes 1;
daemon off;
pid {folder}/{name}.pid;
error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    client_max_body_size 8m;
    client_body_buffer_size 64k;
    client_body_temp_path {folder}/{name}-body;
    proxy_temp_path {folder}/{name}-proxy;
    fastcgi_temp_path {folder}/{name}-fastcgi;
    uwsgi_temp_path {folder}/{name}-uwsgi;
    scgi_temp_path {folder}/{name}-scgi;
    tcp_nodelay on;
{rest}
}}
"""
# The answer is put together from one variable, since a word of nginx's language has at most 4 kB.
UPSTREAM = """\
    map $uri $filling {{ default "{filling}"; }}
    server {{
        listen 127.0.0.1:{plain};
        listen 127.0.0.1:{tls} ssl;
        ssl_certificate {folder}/upstream.pem;
        ssl_certificate_key {folder}/upstream.key;
        ssl_protocols TLSv1.3;
        default_type application/json;
        location /small {{ return 200 '{{"jsonrpc":"2.0","id":1,"result":{{"resultType":"complete","content":[{{"type":"text","text":"{small}"}}],"isError":false}}}}'; }}
        location /large {{ return 200 '{{"jsonrpc":"2.0","id":1,"result":{{"resultType":"complete","content":[{{"type":"text","text":"$filling$filling$filling$filling$filling$filling$filling$filling"}}],"isError":false}}}}'; }}
    }}
"""
# The same program in front of both kinds of upstream, each behind a port of its own.
PROXY = """\
    upstream plain {{ server 127.0.0.1:{plain}; keepalive 64; keepalive_requests 1000000000; }}
    upstream tls {{ server 127.0.0.1:{tls}; keepalive 64; keepalive_requests 1000000000; }}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_buffers 16 16k;
    proxy_buffer_size 16k;
    proxy_ssl_protocols TLSv1.3;
    proxy_ssl_trusted_certificate {folder}/upstream.pem;
    proxy_ssl_verify on;
    proxy_ssl_name localhost;
    server {{
        listen 127.0.0.1:{to_plain};
        location / {{ proxy_pass http://plain; }}
    }}
    server {{
        listen 127.0.0.1:{to_tls};
        location / {{ proxy_pass https://tls; }}
    }}
"""


def start(world: World, name: str, text: str, port: int) -> Process:
    """One nginx with this configuration, once it answers at a port without TLS."""
    path = world.folder / f"{name}.conf"
    path.write_text(COMMON.format(folder=world.folder, name=name, as_root=AS_ROOT, rest=text))
    environment = world.environment(world.folder / "home", world.folder / "run")
    process = world.processes.start(name, ["nginx", "-p", str(world.folder), "-c", str(path)], environment)
    process.ready(lambda: http.get(f"http://127.0.0.1:{port}/small").status, 10)
    return process


class Upstream:
    """The upstream, with a certificate for `localhost` that is its own authority."""

    def __init__(self, world: World) -> None:
        self.certificate = world.folder / "upstream.pem"
        self.ports = {"plain": free_port(), "tls": free_port()}
        subprocess.run(
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2",
                "-keyout", str(world.folder / "upstream.key"), "-out", str(self.certificate),
            ],
            check=True, capture_output=True,
        )
        start(
            world, "upstream",
            UPSTREAM.format(folder=world.folder, filling="x" * 2048, small="x" * 180, **self.ports), self.ports["plain"],
        )

    def url(self, transport: str, path: str) -> str:
        scheme, host = ("https", "localhost") if transport == "tls" else ("http", "127.0.0.1")
        return f"{scheme}://{host}:{self.ports[transport]}/{path}"


class Proxy:
    """A fresh process that forwards to the upstream."""

    def __init__(self, world: World, name: str, upstream: Upstream) -> None:
        self.ports = {"plain": free_port(), "tls": free_port()}
        text = PROXY.format(
            folder=world.folder, to_plain=self.ports["plain"], to_tls=self.ports["tls"], **upstream.ports
        )
        self.process = start(world, name, text, self.ports["plain"])

    def url(self, transport: str, path: str) -> str:
        return f"http://127.0.0.1:{self.ports[transport]}/{path}"
