"""Components of a broker that has a directory of keys and lists; called as ``rembus_client``."""

from __future__ import annotations

import asyncio
import json
import os

from rembus_client import anonymous, arguments, attempt, component, rb, run, until, what


async def register(name: str, pin: str) -> str:
    """Register a key on a connection made for that; return what comes of it."""
    nobody = await anonymous()
    outcome = await attempt(nobody.register(name, pin, rb.SIG_ECDSA))
    await nobody.close()
    return outcome


async def tenants() -> dict:
    """Register names of two tenants, and try to reach from one what is in the other."""
    org, net = arguments
    nobody, got = await anonymous(), {name: [] for name in ("alice.org", "carol.net", "dave")}
    found = {
        "wrong pin": await register("alice.org", "00000000"),
        "of another": await register("alice.org", net),
        "no tenant": await register("alice.nowhere", org),
    }
    for name, pin in (("alice.org", org), ("bob.org", org), ("carol.net", net), ("eve.net", net)):
        found[name] = await register(name, pin)
    os.rename(os.path.join("bob.org", ".secret"), "kept")
    found["taken"] = await register("bob.org", org)
    os.rename("kept", os.path.join("bob.org", ".secret"))
    found["not registered"] = await attempt(component("frank.org"))
    alice, bob, carol, eve = [await component(name) for name in ("alice.org", "bob.org", "carol.net", "eve.net")]
    dave = await component("dave")
    for name, there in (("alice.org", alice), ("carol.net", carol), ("dave", dave)):
        for topic in ("a/topic", "*/topic"):
            await there.subscribe(lambda *data, name=name: got[name].append(data[-1]), topic=topic)
        await there.reactive()
    for publisher, message in ((bob, "from org"), (eve, "from net"), (nobody, "from nobody")):
        await publisher.publish("a/topic", message, qos=rb.QOS1)
    await until(lambda: all(len(messages) >= 2 for messages in got.values()))
    await alice.expose(lambda: "here", topic="service")
    for name, there in (("bob", bob), ("carol", carol), ("nobody", nobody)):
        found[f"{name} calls"] = await attempt(there.rpc("service"))
        found[f"{name} calls alice"] = await attempt(there.direct("alice.org", "service"))
    return found | {"received": got}


async def directory() -> dict:
    """Be who a broker's directory of keys and lists says, and change what it says; the argument is where it is."""
    (place,) = arguments
    root, alice, bob = [await component(name) for name in ("root", "alice", "bob")]
    nobody, claimant = await anonymous(), await component("carol")
    found = {
        "root makes private": await attempt(root.private_topic("other")),
        "alice makes private": await attempt(alice.private_topic("another")),
        "alice subscribes": await subscribe(alice, "secret"),
        "bob subscribes": await subscribe(bob, "secret"),
        "nobody subscribes": await subscribe(nobody, "secret"),
        "claimant": await attempt(claimant.rpc("rid")),
        "dave registers": await register("dave", "11223344"),
        "dave": str(await component("dave")),
        "eve registers": await register("eve.org", "55667788"),
    }
    for name, says in (
        ("admins", ["alice"]), ("topic_auth", {"secret": ["bob"]}), ("tenants", {".": "11223344", "org": "55667788"}),
    ):  # fmt: skip
        replace(os.path.join(place, f"{name}.json"), json.dumps(says).encode())
    found["alice then"] = await becoming("unauthorized", lambda: subscribe(alice, "secret"))
    found["admin then"] = await becoming("done", lambda: attempt(alice.private_topic("another")))
    found |= {
        "bob then": await subscribe(bob, "secret"),
        "root then": await attempt(root.private_topic("more")),
        "eve then": await register("eve.org", "55667788"),
    }
    with open(os.path.join(place, "keys", "bob.rsa.der"), "rb") as key:
        replace(os.path.join(place, "keys", "carol.rsa.der"), key.read())
    os.remove(os.path.join(place, "keys", "bob.rsa.der"))
    found["bob without a key"] = await becoming("unauthorized", lambda: subscribe(bob, "secret"))
    found["carol without hers"] = await becoming("failed", lambda: attempt(component("carol")))
    return found


async def moved() -> dict:
    """Be who a directory of keys and lists said before it went away."""
    (pin,) = arguments
    root, alice, nobody = await component("root"), await component("alice"), await anonymous()
    found = {
        "root makes private": await attempt(root.private_topic("other")),
        "alice subscribes": await subscribe(alice, "secret"),
        "nobody subscribes": await subscribe(nobody, "secret"),
        "bob registers": await register("bob.org", pin),
    }
    await alice.close()
    os.remove(os.path.join("alice", ".secret"))
    return found | {"alice without a key": await attempt(component("alice"))}


async def subscribe(there, topic: str) -> str:
    """Subscribe; return what comes of it."""
    outcome = await attempt(there.subscribe(print, topic=topic))
    return outcome if "Error" in outcome else "done"


def replace(path: str, content: bytes) -> None:
    """Put a file in the place of another at once."""
    with open(f"{path}.new", "wb") as file:
        file.write(content)
    os.chmod(f"{path}.new", 0o600)
    os.rename(f"{path}.new", path)


async def becoming(outcome: str, doing) -> str:
    """Attempt something until the outcome has a word in it, but not for ever; return the last outcome."""
    last = ""
    for _ in range(60):
        last = await doing()
        if outcome in last:
            break
        await asyncio.sleep(0.3)
    return last


run(globals()[what])
