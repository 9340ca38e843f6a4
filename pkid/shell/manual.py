"""What ``pkid --help`` says besides the options."""

from __future__ import annotations

__all__ = ["DESCRIPTION", "EPILOG", "SYNOPSIS"]

SYNOPSIS = """\
pkid [options] [COMMAND ...]
       pkid doctor [--help]
       pkid backup [--help]
       pkid agent status [--help]
       pkid ca passphrase [--help]
       pkid broker prove [--help]"""

DESCRIPTION = """\
Carry commands to a core, and bring back what they give. Without a command:
interactive on a terminal, else the lines of standard input.

doctor looks at a core from outside and says what to mend; backup copies what
it must not lose; agent status shows the certificates that agents of this
machine keep; ca passphrase changes what protects the CA's key; broker prove
makes a proof for somebody who types on the line door. These run here and not
in the core.
"""

EPILOG = """\
The command:
  Options of pkid itself stand before it; what stands behind is the command's.
  Several words are sent as they are, each as one word, whatever is in it. A
  single word is a command line as it stands: with ; between commands, | from
  one to the next, and quotes. 'pkid help' lists the core's commands.

The environment:
  Each option has a variable, PKID_SHELL_X, else PKID_X, such as PKID_CORE or
  PKID_PSK_FILE. Options that take no value are true or false there.

The core on this machine:
  Its state directory is that of --state, else, when the core is at localhost,
  $XDG_STATE_HOME/pkid or ~/.local/state/pkid. If it can be read, its key is
  taken without --psk and --psk-file, and without --core the core is where the
  directory says that it listens.

The key and the trust:
  The core's CA is trusted if the core proves that it knows the key, unless
  --ca-cert or --ca-fingerprint says which one it is; nothing else is. There
  is no way to go without.

Files:
  What the core sends is stored under its plain name in the download directory,
  for its owner only. A file that exists is not touched: nothing of the answer's
  files is stored then, unless --force is given.

Exit codes:
    0  done
    1  the core refused, or the command failed, or a file was not stored
    2  wrong usage
    3  the key is missing or wrong
    4  the core cannot be reached, or is not to be trusted
    5  the core is busy: try again
  130  interrupted
  Of several lines on standard input, the first failure's counts. After 3 and 4
  no more lines are read.

Examples:
  pkid system info
  pkid certificate create --common-name web.example
  pkid 'help; certificate create --common-name "web.example" --pem'
  pkid --core https://core.example:8900 --psk-file psk < commands.txt
  pkid doctor
  pkid backup /backup/pkid-monday
"""
