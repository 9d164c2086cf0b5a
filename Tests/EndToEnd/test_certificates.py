"""Certificates of a coordinator that cannot be trusted: what is wrong with each is told, and what to do."""

import contextlib
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@pytest.mark.parametrize(("begins", "words"), [(2, "is not valid yet"), (-48, "has expired")])
def test_a_certificate_of_another_time_points_to_the_clock(world, tmp_path, begins, words):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    begin = datetime.now(UTC) + timedelta(hours=begins)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256()))
    ca, private = tmp_path / "ca.pem", tmp_path / "key.pem"
    ca.write_bytes(certificate.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(ca, private)
    late = world.desk(f"desk{begins}")

    def shake(listener: socket.socket) -> None:
        with contextlib.suppress(OSError), listener.accept()[0] as line:
            context.wrap_socket(line, server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=shake, args=(listener,), daemon=True).start()
        answer = late.doorward(
            "login", f"https://127.0.0.1:{listener.getsockname()[1]}", "--token-file", "-", "--ca", str(ca),
            input=world.coordinator.facts["token"] + "\n", check=False)
    error = answer.json["error"]
    assert f"its certificate {words}" in error["message"] and "clock" in error["next"]
