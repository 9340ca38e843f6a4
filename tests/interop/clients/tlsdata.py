"""Let two components get their TLS material and talk to each other and to the core; print what happened as JSON.

Arguments: the library, the core's URL, the pre-shared key. ``worker`` serves, ``metrics`` connects; both must show a
certificate. A stranger, who trusts the same CA but holds no certificate, connects too.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from importlib import import_module

import aiohttp
import requests


def serving(component):
    """Return a server's context that wants certificates of the CA and holds to RFC 5280."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=component.ca_cert_path)
    context.load_cert_chain(component.cert_path, component.key_path)
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def connecting(component, certificate=True):
    """Return a client's context that checks host names and holds to RFC 5280."""
    context = component.ssl_context
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    if certificate:
        context.load_cert_chain(component.cert_path, component.key_path)
    return context


def common_name(stream):
    """Return the name on the peer's verified certificate."""
    return dict(pair for (pair,) in stream.get_extra_info("peercert")["subject"])["commonName"]


async def send(port, context):
    """Send a line to the server on *port*; return who it is, and what it answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
    try:
        writer.write(b"echo\n")
        return common_name(writer), (await reader.readline()).decode()
    finally:
        writer.close()


async def talk(worker, metrics):
    """Connect ``metrics`` to ``worker``, then a stranger."""
    clients = []

    async def echo(reader, writer):
        clients.append(common_name(writer))
        writer.write(await reader.readline())
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=serving(worker))
    port = server.sockets[0].getsockname()[1]
    async with server:
        name, line = await send(port, connecting(metrics))
        try:
            _, stranger = await send(port, connecting(metrics, certificate=False))
        except OSError as error:
            stranger = type(error).__name__
    return {"server": name, "echo": line, "stranger": stranger, "clients": clients}


async def ping(url, context):
    """Ask the core with aiohttp, as the originals' asynchronous parts do."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/system/ping", ssl=context) as response:
        return await response.text()


async def main(library, url, psk):
    """Do all of it."""
    ca, x509 = import_module(f"{library}.core.ca"), import_module(f"{library}.x509")
    core = {f"{library.removesuffix('lib')}core_uri": url}
    with ca.TLSData("worker", psk=psk, **core) as worker, ca.TLSData("metrics", psk=psk, **core) as metrics:
        found = await talk(worker, metrics)
        for host in ("localhost", "127.0.0.1"):
            there = url.replace("localhost", host)
            found[f"requests {host}"] = requests.get(f"{there}/system/ping", verify=metrics.verify, timeout=10).text
            found[f"aiohttp {host}"] = await ping(there, metrics.ssl_context)
        if "RSA" in type(metrics.ca_cert.public_key()).__name__:
            found["signed by CA"] = x509.cert_is_signed_by_ca(metrics.cert, metrics.ca_cert)
    return found


print(json.dumps(asyncio.run(main(*sys.argv[1:]))))
