"""What the store's refusals mean, and what an operator does about each: for the log, and for `/readyz`.

A store that refuses has done nothing. The first word of its reply says why; where that word is only ERR, the text
does.
"""

ADVICE = {
    "OOM": "it is full: give it more memory (maxmemory), or delete what is not ours",
    "MISCONF": "it can't save to its disk: look at its log and its disk, then let it save once (BGSAVE)",
    "LOADING": "it has just started and reads its file: it will answer by itself",
    "READONLY": "it is a replica: name the primary with --store",
    "MASTERDOWN": "it is a replica that has lost its primary: name the primary with --store",
    "NOREPLICAS": "too few of its replicas are there: start them, or lower min-replicas-to-write",
    "NOPERM": "its user needs +@all on ~ordering:* and &ordering:*: give them with ACL SETUSER",
    "ERR ACL failure": "its user needs +@all on ~ordering:* and &ordering:*: give them with ACL SETUSER",
    "NOAUTH": "it wants a password: set ORDERING_STORE_PASSWORD, or name it in --store",
    "WRONGPASS": "it wants another password: set ORDERING_STORE_PASSWORD, or name it in --store",
    "ERR Protocol error: unauthenticated": "it wants a password: set ORDERING_STORE_PASSWORD, or name it in --store",
    "BUSY": "somebody's script does not end there: SCRIPT KILL",
    "WRONGTYPE": "another program has written under our keys: give each a store, or a --shop, of its own",
    "CLUSTERDOWN": "its cluster does not serve our slot: CLUSTER INFO says what is missing",
    "MOVED": "it is one of a cluster: name it with --store=redis+cluster://…",
}
ELSEWHERE = ("READONLY", "MASTERDOWN")  # under the same address there may be another server by now


def kind(reply: str) -> str:
    """How a reply of the store begins that stands here; "" for any other text."""
    return next((begins for begins in ADVICE if reply.startswith(begins)), "")


def explained(reply: str) -> str:
    """The reply, and what to do."""
    found = kind(reply)
    return f"{reply} ({ADVICE[found]})" if found else reply
