"""Get the CA certificate as a component does: check it, keep it in a file, print its fingerprint.

Arguments: the library, the core's URL, the pre-shared key, the file.
"""

from __future__ import annotations

import sys
from importlib import import_module

library, url, psk, path = sys.argv[1:]
ca, x509 = import_module(f"{library}.core.ca"), import_module(f"{library}.x509")

core = {f"{library.removesuffix('lib')}core_uri": url}
certificate = ca.get_ca_cert(psk=psk, **core)
x509.write_cert_to_file(cert=certificate, cert_path=path)
print(x509.cert_fingerprint(certificate))
