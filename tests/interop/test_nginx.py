"""nginx, set up as its guide says, with certificates of a core, and curl as its client."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.daemon import start_daemon
from tests.interop.core import WITH_PSK
from tests.interop.guides import block, create
from tests.interop.servers import folder_of, free_port, run, serving
from tests.support import Case, require_program

FRAME = """\
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
{servers}
}}
"""
HOST = "www.example.com"
FILES = "/var/lib/pkid-agent/nginx/tls"


class NginxTests(Case):
    def setUp(self) -> None:
        nginx = require_program("nginx")
        require_program("curl")
        self.daemon = start_daemon(self, *WITH_PSK)
        self.folder = self.enterContext(folder_of("root"))
        key, certificate = create(self.daemon, self.folder, f"--common-name {HOST} --dns-names {HOST}")
        key.rename(self.folder / "key.pem")
        certificate.rename(self.folder / "fullchain.pem")
        create(self.daemon, self.folder, "--common-name client --dns-names client.example.com")
        (self.folder / "ca.pem").write_bytes((self.daemon.state / "ca.crt").read_bytes())
        self.open, self.closed = free_port(), free_port()
        servers = block("nginx", "nginx").replace(FILES, str(self.folder))
        servers = servers.replace("listen 443", f"listen 127.0.0.1:{self.open}")
        servers = servers.replace("listen 8443", f"listen 127.0.0.1:{self.closed}")
        (self.folder / "nginx.conf").write_text(FRAME.format(servers=servers))
        command = [nginx, "-p", str(self.folder), "-e", "stderr", "-c", "nginx.conf"]
        self.enterContext(serving(command, self.folder, self.open, self.closed))

    def curl(self, port: int, *options: str, host: str = HOST) -> subprocess.CompletedProcess[str]:
        return run(
            *("curl", "--silent", "--show-error", "--max-time", "30", "--resolve", f"{host}:{port}:127.0.0.1"),
            *options,
            f"https://{host}:{port}/",
            home=self.folder,
        )

    def test_who_trusts_the_authority_trusts_the_server(self) -> None:
        for version in ("--tlsv1.3", "--tls-max=1.2"):
            ended = self.curl(self.open, "--cacert", "ca.pem", *version.split("="))
            self.assertEqual((ended.stdout, ended.returncode), ("hello\n", 0))

    def test_others_do_not_and_no_other_name_is_served(self) -> None:
        self.assertEqual(self.curl(self.open).returncode, 60)
        self.assertEqual(self.curl(self.open, "--cacert", "ca.pem", host="other.example.com").returncode, 60)
        other = start_daemon(self, *WITH_PSK)
        self.assertEqual(self.curl(self.open, "--cacert", str(other.state / "ca.crt")).returncode, 60)

    def test_mutual_tls(self) -> None:
        """A client comes in with a certificate of the same authority, and not with none or another's."""
        pair = ("--cacert", "ca.pem", "--cert", "client.crt", "--key", "client.key")
        ended = self.curl(self.closed, *pair)
        self.assertEqual((ended.stdout, ended.returncode), ("hello CN=client\n", 0))
        self.assertIn("400 No required SSL certificate was sent", self.curl(self.closed, *pair[:2]).stdout)
        strange = self.strange_pair()
        self.assertIn("400 The SSL certificate error", self.curl(self.closed, *pair[:2], *strange).stdout)

    def strange_pair(self) -> tuple[str, ...]:
        """Return curl's options for a certificate of another core."""
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        core = start_daemon(self, *WITH_PSK)
        key, certificate = create(core, folder, "--common-name client --dns-names client.example")
        return "--cert", str(certificate), "--key", str(key)
