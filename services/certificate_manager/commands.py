"""Commands of the owner: which there are, and what each is given. Every one names a whole fingerprint."""

import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from services.certificate_manager import listing
from services.certificate_manager.decisions import Decisions
from services.certificate_manager.in_force import InForce
from services.certificate_manager.keyring import Keyring, kind_of
from services.certificate_manager.ledger import Ledger
from services.certificate_manager.listing import Row
from services.certificate_manager.office import Office
from services.certificate_manager.pending import Pending
from services.certificate_manager.times import iso
from services.certificate_manager.trust_list import Grant
from shared.audit.record import Who
from shared.bus.messages import Command
from shared.errors import RefusedError
from shared.tls.text import clean

ROWS_PER_PAGE: Final = 64
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")

Result = dict[str, Any]
Verb = Callable[[Result, Who], Awaitable[Result]]


class Commands:
    """Carries out commands.

    Args:
        decisions, force, pending, ledger, own, office: who does it.
        warn_days: of the settings.
    """

    def __init__(
        self,
        *,
        decisions: Decisions,
        force: InForce,
        pending: Pending,
        ledger: Ledger,
        own: Keyring,
        office: Office,
        warn_days: int,
    ) -> None:
        self._decisions = decisions
        self._force = force
        self._pending = pending
        self._ledger = ledger
        self._own = own
        self._office = office
        self._warn_days = warn_days
        self._verbs: dict[str, Verb] = {
            "list": self._list,
            "show": self._show,
            "accept": self._accept,
            "delete": lambda args, who: decisions.delete(_fingerprint(args), who),
            "block": lambda args, who: decisions.delete(_fingerprint(args), who, block=True),
            "unblock": lambda args, who: decisions.unblock(_fingerprint(args), who),
            "label": lambda args, who: decisions.label(_fingerprint(args), _text(args, "label"), who),
            "dismiss": lambda args, who: decisions.dismiss(_fingerprint(args), who),
            "own.show": self._own_show,
            "own.export": self._own_export,
            "own.csr": self._own_csr,
            "own.renew": self._own_renew,
            "own.import": self._own_import,
            "ca.list": self._ca_list,
            "ca.reload": self._ca_reload,
            "ca.add": self._ca_add,
            "ca.remove": self._ca_remove,
        }

    async def __call__(self, command: Command) -> Result:
        """Do it.

        Raises:
            RefusedError: why not.
        """
        do = self._verbs.get(command.verb)
        if do is None:
            raise RefusedError(f"{clean(command.verb, 32)!r} is no command; there are: {' '.join(self._verbs)}")
        return await do(command.args, Who(by=clean(str(command.args.get("by") or "cli"), 64)))

    async def _list(self, args: Result, _who: Who) -> Result:
        """A page of rows, by fingerprint; `after` is the last one of the page before."""
        after = _text(args, "after")
        names = sorted(name for name in {*self._fingerprints()} if name > after)
        page = [self._row(name) for name in names[:ROWS_PER_PAGE]]
        return {"certificates": page, "more": len(names) > ROWS_PER_PAGE}

    async def _show(self, args: Result, _who: Who) -> Result:
        identity = _fingerprint(args)
        entry, contact = self._force.trust.get(identity), self._pending.get(identity)
        if entry is not None:
            return listing.in_full(self._row(identity), self._force.trust.certificate(identity), entry.der)
        if contact is not None:
            return listing.in_full(self._row(identity), contact.certificate, contact.der)
        raise RefusedError(f"no certificate {identity[:16]}... is known; `certs list` shows those that are")

    async def _accept(self, args: Result, who: Who) -> Result:
        label = _text(args, "label") if "label" in args else None
        result = await self._decisions.accept(_fingerprint(args), _grant(args), label, who)
        return {**result, "flags": self._row(result["fingerprint"])["flags"]}

    async def _own_show(self, _args: Result, _who: Who) -> Result:
        return {"certificates": self._own.rows(), "version": self._own.version}

    async def _own_export(self, args: Result, _who: Who) -> Result:
        return {"pem": self._own.export(kind_of(args.get("kind"))).decode()}

    async def _own_csr(self, args: Result, who: Who) -> Result:
        kind = kind_of(args.get("kind") or "ec")
        if kind is None:
            raise RefusedError("kind is missing; give ec or rsa")
        pem = self._own.request(kind).decode()
        await self._force.record("own.csr", str(kind), "request made", who)
        return {"kind": str(kind), "pem": pem}

    async def _own_renew(self, args: Result, who: Who) -> Result:
        pairs = await self._own.renew(kind_of(args.get("kind")))
        for pair in pairs:
            await self._office.own_changed("own.renew", pair.certificate.fingerprint, who)
        return {"certificates": [self._own.row(pair) for pair in pairs]}

    async def _own_import(self, args: Result, who: Who) -> Result:
        pair = await self._own.take_over(_text(args, "key_file"), _text(args, "chain").encode())
        await self._office.own_changed("own.import", pair.certificate.fingerprint, who)
        return {"certificates": [self._own.row(pair)]}

    async def _ca_list(self, _args: Result, _who: Who) -> Result:
        authorities = self._force.authorities
        rows = [
            {
                "fingerprint": each.certificate.fingerprint,
                "subject": each.certificate.subject,
                "not_before": iso(each.certificate.not_before_s),
                "not_after": iso(each.certificate.not_after_s),
                "key": each.certificate.key,
                "file": each.file,
            }
            for each in authorities.found
        ]
        return {"authorities": rows, "faults": list(authorities.faults)}

    async def _ca_reload(self, args: Result, who: Who) -> Result:
        outcome = await self._office.reload_authorities(who)
        return {**await self._ca_list(args, who), **outcome.told()}

    async def _ca_add(self, args: Result, who: Who) -> Result:
        await self._office.add_authority(_text(args, "name"), _text(args, "pem"), who)
        return await self._ca_list(args, who)

    async def _ca_remove(self, args: Result, who: Who) -> Result:
        outcome = await self._office.remove_authority(_text(args, "file"), who)
        return {**await self._ca_list(args, who), **outcome.told()}

    def _fingerprints(self) -> list[str]:
        decided = [entry.fingerprint for entry in self._force.trust]
        return decided + [contact.certificate.fingerprint for contact in self._pending]

    def _row(self, identity: str) -> Row:
        now_s, open_now = time.time(), self._ledger.connections(identity)
        trust = self._force.trust
        entry = trust.get(identity)
        if entry is not None:
            return listing.of_entry(entry, trust.certificate(identity), now_s, self._warn_days, open_now)
        contact = self._pending.get(identity)
        if contact is None:
            raise RefusedError(f"no certificate {identity[:16]}... is known any more")
        names = {each.certificate.fingerprint: each.certificate.subject for each in self._force.authorities.found}
        return listing.of_contact(
            contact, trust, authorities=names, now_s=now_s, warn_days=self._warn_days, connections=open_now
        )


def _fingerprint(args: Result) -> str:
    value = args.get("fingerprint")
    if not isinstance(value, str) or not _FINGERPRINT.fullmatch(value):
        raise RefusedError("fingerprint has to be the whole SHA-256 of the certificate, 64 hex digits in lower case")
    return value


def _grant(args: Result) -> Grant:
    match args.get("grant", "rw"):
        case "rw":
            return "rw"
        case "r":
            return "r"
        case other:
            raise RefusedError(f"grant is {clean(str(other), 32)!r}; give 'rw' or 'r'")


def _text(args: Result, name: str) -> str:
    value = args.get(name, "")
    if not isinstance(value, str):
        raise RefusedError(f"{name} has to be a text")
    return value
