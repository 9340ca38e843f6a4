"""Makes ``twistd`` and ``twist`` know pkid's programs; imports nothing of them."""

from twisted.application.service import ServiceMaker

pkid = ServiceMaker("pkid", "pkid.tap", "An authority that gives every component TLS that renews itself.", "pkid")

pkid_agent = ServiceMaker(
    "pkid-agent", "pkid.installer.tap", "Keep certificates of a core of pkid in files.", "pkid-agent"
)

pkid_metrics = ServiceMaker(
    "pkid-metrics", "pkid.exporter.tap", "Tell Prometheus about a core of pkid.", "pkid-metrics"
)
