"""What HELP answers: each verb of a client, in one line."""

from __future__ import annotations

from pkid.broker.payload import Payload, PayloadKind
from pkid.line.writing import body, prefix

__all__ = ["USAGE", "write_help"]

USAGE = """\
[#ID] VERB ... ; TEXT to the end of the line (behind a : if it begins with + or :),
  or +LENGTH [+json|+cbor|+text], and so many bytes behind the line

LOGIN NAME                                say a name
PROVE NAME SCHEME ...                     prove it: pkid broker prove
FINISH NAME MESSAGE                       the second step of SCRAM
ENROLL NAME [+pin=PIN] KEY                register a public key: DER in base64, or +LENGTH
UNENROLL                                  forget the keys of your name
PUBLISH TOPIC [+qos=1|2] [+slot=N] TEXT   send a message; with +qos it needs an ID
COMPLETE                                  #ID of a message with +qos=2: forget the ID
SUBSCRIBE TOPIC [+since=SECONDS|last]     get the messages of a topic or pattern (* **)
UNSUBSCRIBE TOPIC                         get them no longer
ACK NUMBER                                a message with a number arrived
START [+since=SECONDS]                    take messages, after STOP
STOP                                      take none for now
SETUP TEXT                                a body of lines: EXPOSE ... and SUBSCRIBE ...
EXPOSE TOPIC                              answer calls of a topic
UNEXPOSE TOPIC                            answer them no longer
CALL TOPIC [+to=NAME] [+within=SECONDS] TEXT   call whoever exposes a topic
CANCEL                                    #ID of a call: wait no longer
ANSWER NUMBER [+failed] TEXT              answer a call
PRIVATE_TOPIC TOPIC                       admins: only those use it who may
PUBLIC_TOPIC TOPIC                        admins: everybody may use it
AUTHORIZE NAME TOPIC                      admins: NAME may do everything there
UNAUTHORIZE NAME TOPIC                    admins: take that back
GRANT VERBS TOPIC WHO                     admins: allow, e.g. GRANT publish,subscribe a/* web-*
UNGRANT VERBS TOPIC WHO                   admins: take that back
DENY VERBS TOPIC WHO                      admins: forbid, whatever is granted
UNDENY VERBS TOPIC WHO                    admins: take that back
ASSIGN NAME ROLE                          admins: give a role
WITHDRAW NAME ROLE                        admins: take it
EXPLAIN VERB TOPIC [+component=NAME]      may you, and why
INSPECT sessions|topics|rights            admins: look at the broker
PING                                      is the core there
PONG                                      yes, you are
HELP                                      this
BYE                                       leave
"""
"""One line for each verb, and how lines are made."""


def write_help(request: str) -> bytes:
    """Write the answer to HELP."""
    return body(f"{prefix(request)}OK", Payload(PayloadKind.TEXT, USAGE.encode()))
