"""Makes ``twistd`` and ``twist`` know ``pkid``; imports nothing of it."""

from twisted.application.service import ServiceMaker

pkid = ServiceMaker("pkid", "pkid.tap", "An authority that gives every component TLS that renews itself.", "pkid")
