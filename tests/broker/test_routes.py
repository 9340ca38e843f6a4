"""What is remembered of topics: bounded in bytes, nothing of strangers, and shared by those that are alike."""

from __future__ import annotations

import tracemalloc
from collections import Counter

from pkid.broker import tenant as tenant_module
from pkid.broker.changes import AddRule, PrivateTopic
from pkid.broker.commands import Subscribe
from pkid.broker.identity import Identity
from pkid.broker.inputs import Lost
from pkid.broker.rights import TopicRights
from pkid.broker.rules import ALL_VERBS, Access, Decision, Rule, Subject, Verb
from pkid.broker.topic import Pattern, read_topic
from tests.broker.hub import Hub
from tests.broker.test_router import publish
from tests.support import Case


class RouteTests(Case):
    def test_many_topics_do_not_pile_up(self) -> None:
        hub = Hub()
        publisher = hub.join("p")
        self.patch(tenant_module, "_MOST_REMEMBERED", 100_000)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        for form in ("t/{}", "/".join("abcdefghijklmno") + "/{}", "t" * 250 + "{}"):
            read_topic.cache_clear()
            hub.say(publisher, publish(form.format(0)))
            hub.rights._forget()
            before, _ = tracemalloc.get_traced_memory()
            for number in range(4096, 5000):
                hub.say(publisher, publish(form.format(number)))
                hub.rights._topics.clear()
                read_topic.cache_clear()
            hub.delivered.clear()
            after, _ = tracemalloc.get_traced_memory()
            self.assertLess(after - before, 150_000, form)

    def test_topics_of_strangers_who_may_not_publish_are_not_remembered(self) -> None:
        hub = Hub()
        hub.change(PrivateTopic(Pattern("**")))
        publisher = hub.join("p")
        hub.say(publisher, publish("t"))
        (peer,) = hub.broker.membership.peers("p")
        self.assertEqual(hub.broker.membership.tenant(peer.identity)._routes, {})

    def test_who_comes_and_goes_and_subscribed_to_nothing_changes_no_way(self) -> None:
        hub = Hub()
        publisher, _ = hub.join("p"), hub.join("s")
        (peer,) = hub.broker.membership.peers("p")
        tenant = hub.broker.membership.tenant(peer.identity)
        hub.say(publisher, publish("t"))
        ways, routes = dict(tenant._ways), dict(tenant._routes)
        self.assertTrue(ways and routes)
        hub.say(hub.join("passer-by"), Lost())
        self.assertEqual((tenant._ways, tenant._routes), (ways, routes))

    def test_what_all_topics_have_in_common_is_decided_once(self) -> None:
        counted: Counter[str] = Counter()
        hub = Hub(keys={"good"})
        good, publisher = hub.join("good"), hub.join("p")
        hub.change(AddRule(Rule(Access.GRANT, ALL_VERBS, Pattern("t/*"), Subject("good"))))
        hub.say(good, Subscribe(1, "t/*"))
        decide = TopicRights._decide

        def counting(rights: TopicRights, identity: Identity, verb: Verb) -> Decision:
            counted[f"{identity} {verb.value}"] += 1
            return decide(rights, identity, verb)

        self.patch(TopicRights, "_decide", counting)
        for number in range(20):
            hub.say(publisher, publish(f"t/{number}"))
        self.assertEqual(len(hub.payloads(good)), 20)
        self.assertEqual(counted, {"p (not proven) publish": 1})
