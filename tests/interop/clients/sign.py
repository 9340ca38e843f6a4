"""Get a component's certificate: keep it in ``component.crt`` and its key in ``component.key``.

Arguments: the library, the core's URL, the pre-shared key, the CA's file, the common name, a DNS name, an IP address.
"""

from __future__ import annotations

import sys
from importlib import import_module

library, url, psk, ca_file, common_name, dns_name, ip_address = sys.argv[1:]
ca, x509 = import_module(f"{library}.core.ca"), import_module(f"{library}.x509")

key, certificate = ca.get_signed_cert(
    common_name=common_name,
    san_dns_names=[dns_name],
    san_ip_addresses=[ip_address],
    psk=psk,
    ca_cert_path=ca_file,
    **{f"{library.removesuffix('lib')}core_uri": url},
)
x509.write_cert_to_file(certificate, "component.crt")
x509.write_key_to_file(key, "component.key")
