"""Components of Rembus do something, and print what came of it as JSON.

Arguments: what to do, the broker's URL, and what that takes.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from urllib.parse import urlsplit

what, url, *arguments = sys.argv[1:]
os.environ["REMBUS_BASE_URL"] = url
os.environ["REMBUS_DIR"] = os.getcwd()
os.environ["REMBUS_TIMEOUT"] = "10"

import rembus as rb  # noqa: E402


async def component(name: str, **options):
    """Connect under a name."""
    return await rb.component(f"{url}/{name}", **options)


async def anonymous():
    """Connect without a name."""
    where = urlsplit(url)
    return await rb.component(rb.anonym(where.hostname, where.port))


async def attempt(doing) -> str:
    """Return what comes of something, or what is wrong."""
    try:
        result = await asyncio.wait_for(doing, 20)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "done" if result is None else str(result)


async def until(condition) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


async def greet() -> dict:
    """Connect, and ask for the broker's name."""
    return {"rid": await (await component("guest")).rpc("rid")}


async def messages() -> dict:
    """Publish and subscribe at each quality of service, also with JSON."""
    got = []
    subscriber, publisher = await component("sub"), await component("pub")
    await subscriber.subscribe(lambda *data: got.append(data), topic="temp")
    await subscriber.reactive()
    await publisher.publish("temp", "QOS0", 1, 2.5, None, True, [1, 2], {"k": "v"})
    await publisher.publish("temp", "QOS1", qos=rb.QOS1)
    await publisher.publish("temp", "QOS2", qos=rb.QOS2)
    await publisher.publish("temp", "slot", slot=7)
    await publisher.publish("temp", "slot2", slot=7, qos=rb.QOS2)
    await publisher.publish("temp")
    json_publisher = await component("jpub", enc=rb.JSON)
    await json_publisher.publish("temp", "json", {"a": [1]})
    await until(lambda: len(got) == 7)
    return {"received": got, "again": await attempt(component("sub"))}


async def calls() -> dict:
    """Call and be called, with tables, errors and targets."""
    import polars

    server, caller, nobody = await component("srv"), await component("cli"), await anonymous()

    def add(x, y):
        return x + y

    def boom():
        raise ValueError("kaboom")

    def table(given):
        return given.with_columns(sum=given["a"] + 1)

    for function in (add, boom, table):
        await server.expose(function)

    def joined(left, by, right):
        return left.join(right, on=by)

    await server.expose(joined)
    answer = await caller.rpc("table", polars.DataFrame({"a": [1, 2]}))
    left, right = polars.DataFrame({"k": [1, 2], "a": ["x", None]}), polars.DataFrame({"k": [2, 1], "b": [0.5, 1.5]})
    both = await caller.rpc("joined", left, "k", right)
    targeted = await caller.direct("srv", "joined", left, "k", right)
    speaks_json = await component("jcli", enc=rb.JSON)
    found = {
        "add": await caller.rpc("add", 1, 2),
        "nobody": await nobody.rpc("add", 1, 2),
        "json": await speaks_json.rpc("add", 1, 2),
        "target": await caller.direct("srv", "add", 3, 4),
        "table": answer.to_dict(as_series=False),
        "joined": both.sort("k").to_dict(as_series=False),
        "same of the target": both.sort("k").equals(targeted.sort("k")),
        "boom": await attempt(caller.rpc("boom")),
        "unknown": await attempt(caller.rpc("nosuch")),
        "ghost": await attempt(caller.direct("ghost", "add", 1, 2)),
        "loopback": await attempt(server.rpc("add", 1, 2)),
        "rid": await caller.rpc("rid"),
        "version": await caller.rpc("version"),
        "uptime": await caller.rpc("uptime"),
        "together": await asyncio.gather(*(caller.rpc("add", n, n) for n in range(20))),
    }
    await server.unexpose("boom")
    found["unexposed"] = await attempt(caller.rpc("boom"))
    return found


async def choices() -> dict:
    """Have three answer the same calls by their names: one at a time, and three together that take their time."""
    free = asyncio.Event()

    async def serve(name):
        async def who(wait):
            if wait:
                await free.wait()
            return name

        there = await component(name)
        await there.expose(who)

    for name in ("one", "two", "three"):
        await serve(name)
    caller = await component("caller")
    found = {"turns": [await caller.rpc("who", False) for _ in range(6)]}
    together = [asyncio.create_task(caller.rpc("who", True)) for _ in range(3)]
    await asyncio.sleep(0)
    await caller.rpc("rid")
    free.set()
    return found | {"together": await asyncio.gather(*together)}


async def twice() -> dict:
    """Connect twice under a proven name: the second connection has the name, and the first one does not come again."""
    got = {"first": [], "second": []}
    (pin,) = arguments
    await (await anonymous()).register("twin", pin)
    connections = {}
    for name in got:
        connections[name] = there = await component("twin")
        await there.subscribe(lambda *data, name=name: got[name].append(data), topic="t")
        await there.reactive()
    await until(lambda: connections["first"].handler["phase"]() == "CLOSED")
    publisher = await component("publisher")
    await publisher.publish("t", "for one", qos=rb.QOS1)
    await until(lambda: got["second"])
    return got | {"rid": await connections["second"].rpc("rid")}


async def history() -> dict:
    """Get what was published before, and what comes through patterns."""
    got, spaced = [], []
    publisher = await component("early")
    await publisher.publish("hist/a", 1)
    late = await component("late")
    await late.subscribe(lambda *data: got.append(data), rb.LastReceived, topic="hist/a")
    await late.reactive()
    await until(lambda: len(got) == 1)
    space = await component("space")
    await space.subscribe(lambda *data: spaced.append(data), topic="*/*/temperature")
    await space.reactive()
    for topic in ("a/b/temperature", "a/@x/temperature", "a/temperature", "a/c/temperature"):
        await publisher.publish(topic, 21)
    await until(lambda: len(spaced) == 2)
    return {"history": got, "spaces": spaced}


async def away() -> dict:
    """Leave, and get what was missed on coming again; others want what is of the last hour, or nothing of before."""
    got = {"keeper": [], "recent": [], "now": []}

    async def listen(name, since):
        there = await component(name)
        await there.subscribe(got[name].append, since, topic="hist/a")
        await there.reactive()
        return there

    publisher, keeper = await component("publisher"), await listen("keeper", rb.LastReceived)
    await publisher.publish("hist/a", 1, qos=rb.QOS1)
    await until(lambda: got["keeper"])
    await keeper.close()
    for number in (2, 3):
        await publisher.publish("hist/a", number, qos=rb.QOS2)
    for name, since in (("keeper", rb.LastReceived), ("recent", 3600e9), ("now", rb.Now)):
        await listen(name, since)
    await publisher.publish("hist/a", 4)
    await until(lambda: all(4 in numbers for numbers in got.values()))
    return got


async def tables() -> dict:
    """Publish a table, and call with one that is as large as the argument says, in rows of 8 bytes."""
    import polars

    got, (rows,) = [], arguments
    listener, speaker = await component("listener"), await component("speaker")
    await listener.subscribe(got.append, topic="tables")
    await listener.reactive()
    await listener.expose(lambda table: table, topic="echo")
    large = polars.DataFrame({"n": range(int(rows))})
    for qos in (rb.QOS0, rb.QOS1, rb.QOS2):
        await speaker.publish("tables", large, qos=qos)
    echoed = await speaker.rpc("echo", large)
    await until(lambda: len(got) == 3)
    return {"same": [table.equals(large) for table in (echoed, *got)]}


async def doors() -> dict:
    """Talk in both encodings, with a client of another door: answer it, call it, and get what it publishes."""
    got = {"cbor": [], "json": []}
    for name, enc in (("cbor", rb.CBOR), ("json", rb.JSON)):
        there = await component(f"{name}-side", enc=enc)
        await there.subscribe(lambda *data, name=name: got[name].append(data), topic="shared")
        await there.reactive()
        await there.expose(lambda *data, name=name: [name, *data], topic=f"{name}-service")
        await until(lambda name=name: len(got[name]) >= 1)
        got[f"{name} calls"] = await attempt(there.rpc("line-service", name))
        await there.publish("to-line", name)
    return got


async def keys() -> dict:
    """Register keys of both kinds with PINs, prove names by them, and forget one."""
    pins = dict(zip(("rsa", "ecdsa"), arguments, strict=True))
    nobody = await anonymous()
    found = {"wrong pin": await attempt(nobody.register("rsa", "00000000"))}
    for name, scheme in (("rsa", rb.SIG_RSA), ("ecdsa", rb.SIG_ECDSA)):
        found[name] = await attempt(nobody.register(name, pins[name], scheme))
        proven = await component(name)
        found[f"{name} proven"] = await attempt(proven.rpc("rid"))
        await proven.close()
    other = os.path.join("ecdsa", ".secret")
    os.rename(other, "kept")
    found["no key"] = await attempt(component("ecdsa"))
    with open(os.path.join("rsa", ".secret")) as wrong, open(other, "w") as file:
        file.write(wrong.read())
    found["wrong key"] = await attempt(component("ecdsa"))
    os.rename("kept", other)
    proven = await component("ecdsa")
    found["unregister"] = await attempt(proven.unregister())
    await proven.close()
    found["free again"] = str(await component("ecdsa"))
    return found


async def rights() -> dict:
    """Make a topic private as an admin, and let some in; names are proven by keys that are registered first."""
    got, found = [], {}
    nobody = await anonymous()
    for name, pin in zip(("root", "good", "bad"), arguments, strict=True):
        await nobody.register(name, pin, rb.SIG_ECDSA)
    root, good, bad = [await component(name) for name in ("root", "good", "bad")]
    found["bad makes private"] = await attempt(bad.private_topic("secret"))
    found["private"] = await attempt(root.private_topic("secret"))
    found["authorize"] = await attempt(root.authorize("good", "secret"))
    await good.subscribe(lambda *data: got.append(data), topic="secret")
    await good.reactive()
    found["bad subscribes"] = await attempt(bad.subscribe(print, topic="secret"))
    await bad.publish("secret", "from bad")
    found["bad is told"] = await attempt(bad.publish("secret", "from bad", qos=rb.QOS1))
    await root.authorize("bad", "secret")
    await bad.publish("secret", "allowed")
    await root.unauthorize("bad", "secret")
    await bad.publish("secret", "no longer")
    found["public"] = await attempt(root.public_topic("secret"))
    await nobody.publish("secret", "open to all")
    await until(lambda: ("open to all",) in got)
    return found | {"received": got}


async def modes() -> dict:
    """Log in at a broker that serves only proven names, in both of the client's modes."""
    (pin,) = arguments
    nobody = await anonymous()
    found = {"register": await attempt(nobody.register("am", pin))}
    for mode in (True, False):
        proven = await component("am", authenticated=mode)
        found[f"authenticated={mode}"] = await attempt(proven.rpc("rid"))
        await proven.close()
    found["stranger"] = await attempt(component("stranger"))
    return found


async def stay() -> dict:
    """Subscribe and expose, and wait for the word, however often the connection is cut meanwhile."""
    got = []
    staying = await component("recon")
    await staying.subscribe(lambda *data: got.append(data), topic="rt")
    await staying.reactive()
    await staying.expose(lambda: "here", topic="rsvc")  # the last, so that who can call it knows the rest is done
    await until(lambda: ("done",) in got)
    return {"received": got[-1]}


def run(doing) -> None:
    """Do something, print what came of it, and end, whatever the library still has to do."""
    print(json.dumps(asyncio.run(doing())), flush=True)
    os._exit(0)


if __name__ == "__main__":
    run(globals()[what])
