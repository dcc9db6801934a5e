"""Which copy is where: all decisions of the clipboard bridge, without I/O.

:func:`decide` takes the state and an event and returns the next state and what to do. Rules it keeps:

- The newest copy wins, by serial; of two copies made at the same time the host's wins. A guest copy that
  arrives while our claim on the guest is not yet confirmed was made without knowledge of the host's copy:
  both have the same serial.
- Nothing is read until somebody pastes, save to recognise an echo: a clipboard manager that takes over what
  we brought, without our mark, is compared with what it had read from us.
- What we brought never goes back: neither with our mark, nor recognised as an echo, nor brought by a rival.
- A copy that may not cross (direction, formats, secret) is not even announced to the other side.
- What a clipboard already holds when it is found replaces no copy known before; if both were just found, the
  host's wins.

Sources: SPICE's grab serials with the host winning ties; Looking Glass' origin mark.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from libneuron.guest.clipboard.events import (
    Action,
    Came,
    Claimed,
    Compare,
    Compared,
    Copied,
    Copy,
    Event,
    Gone,
    PutClaim,
    Record,
    Release,
    RivalsChanged,
    RulesChanged,
    Send,
    Served,
)
from libneuron.guest.clipboard.rivals import LOOKING_GLASS
from libneuron.guest.clipboard.rules import Happened, Owner, Rival, Rules, Side
from libneuron.system.clipboard.model import ClipboardOffer
from libneuron.system.clipboard.targets import FILES

RIVAL_OWNERS = {LOOKING_GLASS: Rival.LOOKING_GLASS}
"""X11 classes of windows that own the host's clipboard on a rival's behalf."""


@dataclass(frozen=True)
class SideState:
    """What is known of one clipboard.

    ``fresh``: its first offer has not come yet. ``number`` and ``offer``: its newest copy that is not ours.
    Our claim there: of copy ``serial``, made when ``after`` was the newest, ``pending`` until confirmed (and
    ``refused`` if we wait for the copy that was faster), ``held`` until somebody copies, ``served``: the
    formats pasted. ``suspect``: an offer that may be an echo and is being compared.
    """

    present: bool = False
    fresh: bool = False
    number: int = 0
    offer: ClipboardOffer | None = None
    serial: int = 0
    after: int = 0
    pending: bool = False
    refused: bool = False
    held: bool = False
    served: tuple[str, ...] = ()
    suspect: ClipboardOffer | None = None


@dataclass(frozen=True)
class State:
    """Everything the policy remembers. ``origin`` marks what this bridge brings to the host."""

    origin: str
    rules: Rules = field(default_factory=Rules)
    newest: Copy | None = None
    serial: int = 0
    host: SideState = field(default_factory=SideState)
    guest: SideState = field(default_factory=SideState)
    rivals: frozenset[Rival] = frozenset()

    def of(self, side: Side) -> SideState:
        """One side."""
        return self.host if side is Side.HOST else self.guest

    def put(self, side: Side, changed: SideState) -> State:
        """The same with another ``side``."""
        return replace(self, host=changed) if side is Side.HOST else replace(self, guest=changed)

    @property
    def standing_back(self) -> bool:
        """Whether a rival shares the clipboards instead of us."""
        return bool(self.rivals) and self.rules.owner is Owner.RIVAL


Decision = tuple[State, tuple[Action, ...]]


def decide(state: State, event: Event) -> Decision:
    """The next state and what to do about ``event``. Total: every event is possible in every state."""
    match event:
        case Came(side):
            return _claim(state.put(side, SideState(present=True, fresh=True)), side)
        case Gone(side):
            return _lost(state.put(side, SideState()), side)
        case Copied(side, offer):
            return _copied(state, side, offer)
        case Claimed():
            return _claimed(state, event)
        case Served(side, serial, mime):
            here = state.of(side)
            if serial != here.serial or mime in here.served:
                return state, ()
            return state.put(side, replace(here, served=(*here.served, mime))), ()
        case Compared(side, number, same):
            return _compared(state, side, number, same=same)
        case RulesChanged(rules):
            return _reconsider(replace(state, rules=rules))
        case RivalsChanged(rivals):
            return _reconsider(replace(state, rivals=rivals))
        case Send(source):
            held = state.of(source).offer
            return (state, ()) if held is None else _accept(state, source, held, sent=True)


def may_fetch(state: State, side: Side, serial: int, mime: str) -> bool:
    """Whether a paste on ``side`` may have ``mime`` of claim ``serial``: settings may have changed since."""
    copy = state.newest
    return (
        copy is not None
        and copy.serial == serial
        and copy.side is side.other
        and mime in _crossing(state, copy)[0]
    )


def _lost(state: State, side: Side) -> Decision:
    """A copy went away with its program or its machine.

    What was pasted once stays pasteable; a claim that nobody has read from is an empty promise.
    """
    if state.newest is None or state.newest.side is not side:
        return state, ()
    state = replace(state, newest=None)
    there = state.of(side.other)
    if (there.held or there.pending) and not there.served:
        return state.put(side.other, replace(there, held=False, pending=False)), (Release(side.other),)
    return state, ()


def _copied(state: State, side: Side, offer: ClipboardOffer) -> Decision:
    state, actions = _judged(state, side, offer)
    here, copy = state.of(side), state.newest
    if here.refused and copy is not None and copy.serial == here.serial and copy.side is side.other:
        # This is the copy that was faster than our claim, and it has turned out not to count.
        state, more = _claim(state, side)
        return state, (*actions, *more)
    return state, actions


def _judged(state: State, side: Side, offer: ClipboardOffer) -> Decision:
    before = state.of(side)
    here = replace(before, number=offer.number, fresh=False, held=False, suspect=None)
    state = state.put(side, here)
    rival = RIVAL_OWNERS.get(offer.owner) if side is Side.HOST else None
    if rival is not None:
        return _reconsider(replace(state, rivals=state.rivals | {rival}))
    if offer.origin == state.origin:
        return state, ()
    if offer.silent or not offer.formats:
        state, actions = _lost(state.put(side, replace(here, offer=None)), side)
        if offer.silent:
            actions = (*actions, Record(side, Happened.FAILED, (), "clipboard.owner-silent"))
        return state, actions
    here = replace(here, offer=offer)
    state = state.put(side, here)
    other = state.newest
    if (
        before.fresh
        and other is not None
        and other.side is not side
        and not (side is Side.HOST and other.found)
    ):
        return state, ()
    if here.pending and side is Side.GUEST:
        return state, ()  # a tie: the host's copy wins
    # Files that the guest copies would be fetched for it, and have other addresses here than there.
    comparable = here.served if side is Side.HOST else tuple(mime for mime in here.served if mime != FILES)
    known = next((mime for mime in comparable if mime in offer.formats), None)
    if known is not None and not offer.secret:
        return state.put(side, replace(here, suspect=offer)), (Compare(side, offer.number, known),)
    return _accept(state, side, offer, found=before.fresh)


def _accept(
    state: State, side: Side, offer: ClipboardOffer, *, sent: bool = False, found: bool = False
) -> Decision:
    serial = state.serial + 1
    copy = Copy(side, offer.number, serial, offer.formats, offer.secret, sent, found)
    here = replace(state.of(side), held=False, pending=False, refused=False, served=(), suspect=None)
    return _claim(replace(state, serial=serial, newest=copy).put(side, here), side.other)


def _claim(state: State, side: Side) -> Decision:
    """Offer the newest copy on ``side`` if it was made on the other one and may cross."""
    copy, here = state.newest, state.of(side)
    if copy is None or copy.side is side or not here.present:
        return state, ()
    formats, reason = _crossing(state, copy)
    if not formats:
        return state, ((Record(copy.side, Happened.WITHHELD, copy.formats, reason),) if reason else ())
    here = replace(
        here,
        serial=copy.serial,
        after=here.number,
        pending=True,
        refused=False,
        held=False,
        served=(),
        suspect=None,
    )
    return state.put(side, here), (PutClaim(side, copy, formats, here.number),)


def _crossing(state: State, copy: Copy) -> tuple[tuple[str, ...], str]:
    """The formats of ``copy`` that may cross; if none, why ("" where the settings ask for silence)."""
    if not copy.sent and (state.standing_back or not state.rules.direction.allows(copy.side)):
        return (), ""
    if copy.secret and not state.rules.secrets:
        return (), "secret"
    formats = tuple(mime for mime in copy.formats if mime in state.rules.formats)
    return formats, "" if formats else "format"


def _claimed(state: State, event: Claimed) -> Decision:
    side, here, copy = event.side, state.of(event.side), state.newest
    if event.serial != here.serial or not here.pending or copy is None or copy.serial != event.serial:
        return state, ()  # about an older claim
    if not event.accepted and event.code == "clipboard.stale":
        if here.number != here.after:
            return _claim(state, side)  # the faster copy is known, and did not become the newest
        return state.put(side, replace(here, refused=True)), ()  # it is still to be announced
    state = state.put(side, replace(here, pending=False, held=event.accepted))
    if event.accepted:
        return state, (Record(copy.side, Happened.OFFERED, copy.formats),)
    return state, (Record(copy.side, Happened.FAILED, copy.formats, event.code),)


def _compared(state: State, side: Side, number: int, *, same: bool) -> Decision:
    here = state.of(side)
    if here.suspect is None or here.suspect.number != number:
        return state, ()
    suspect = here.suspect
    state = state.put(side, replace(here, suspect=None))
    return (state, ()) if same else _accept(state, side, suspect)


def _reconsider(state: State) -> Decision:
    """Take back what may no longer cross, offer what now may."""
    copy = state.newest
    if copy is None:
        return state, ()
    side = copy.side.other
    here = state.of(side)
    formats, _reason = _crossing(state, copy)
    ours = here.serial == copy.serial and (here.held or here.pending)
    if formats and not ours:
        return _claim(state, side)
    if ours and not formats:
        return state.put(side, replace(here, held=False, pending=False)), (Release(side),)
    return state, ()
