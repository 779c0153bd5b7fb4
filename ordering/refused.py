"""Every way in which the system says no: the fixed words, their HTTP status and their sentence.

A rule raises `Refused`; whoever speaks to a person turns it into a sentence in that person's language
(`views/text.py`). Nothing else in the project invents an error word: `docs/api.md` lists this table.
"""

from typing import Any, NamedTuple


class Refused(Exception):
    """A command that is not carried out; nothing has changed.

    `word` is one of `WORDS`; `details` fill its sentence. A detail that is a dict of language → text is shown in
    the reader's language, and a `money.Amount` in the shop's currency.
    """

    def __init__(self, word: str, **details: Any) -> None:
        super().__init__(word, details)
        self.word = word
        self.details = details

    @property
    def status(self) -> int:
        """The HTTP status that goes with the word."""
        return WORDS[self.word].status


class Word(NamedTuple):
    """`sentence` is a gettext message id with `%(name)s` places for the details."""

    status: int
    sentence: str


def N_(sentence: str) -> str:
    """Marks a sentence for the translators' catalogue; it is translated where it is shown."""
    return sentence


WORDS: dict[str, Word] = {
    # The request itself.
    "malformed": Word(400, N_("This request can't be understood: %(why)s.")),
    "no_cookies": Word(
        403,
        N_(
            "Your browser keeps no cookies, so we can't tell who is ordering. "
            "Please allow them for this page, or open it in another browser."
        ),
    ),
    "forbidden": Word(403, N_("This is not allowed. Please open the page again and retry.")),
    "login_needed": Word(403, N_("Please log in again.")),
    "no_such_table": Word(404, N_("There is no such table. Please scan the code on the table again.")),
    "no_such_page": Word(404, N_("There is no such page.")),
    "no_such_op": Word(404, N_("No such order has arrived. It is safe to send it again.")),
    "not_here": Word(405, N_("This address does not take that kind of request.")),
    "too_large": Word(413, N_("This request is too large: at most %(limit)s bytes.")),
    "too_often": Word(429, N_("Too many taps at once. Please wait a moment.")),
    "broken": Word(500, N_("Something went wrong on our side. It has been noted; please try again.")),
    "busy": Word(
        503,
        N_("There is more going on than we can keep up with. Please try again in a moment: nothing is ordered twice."),
    ),
    "too_many_pages": Word(429, N_("This page is open too often. Please close it elsewhere and open it again.")),
    "store_away": Word(503, N_("We can't confirm this right now. Please try again: it will not be ordered twice.")),
    # The sitting.
    "sitting_closed": Word(409, N_("This bill is closed. To order again, scan the code on the table.")),
    "not_open": Word(409, N_("Nobody is seated at this table.")),
    "already_open": Word(409, N_("This table is open already.")),
    "op_reused": Word(409, N_("This page was used already. Please look at it again and repeat your choice.")),
    # What is ordered.
    "no_such_item": Word(409, N_("This dish is not on the menu any more.")),
    "sold_out": Word(409, N_("%(item)s is sold out.")),
    "not_served_now": Word(409, N_("%(item)s is served %(hours)s.")),
    "too_few_left": Word(409, N_("Only %(left)s of %(item)s left.")),
    "bad_choice": Word(409, N_("%(item)s: please choose %(least)s to %(most)s of “%(group)s”.")),
    "no_such_modifier": Word(409, N_("%(item)s can't be had that way. Please choose again.")),
    "too_many": Word(409, N_("That is too much: at most %(limit)s %(what)s.")),
    "too_few": Word(409, N_("At least one portion, please.")),
    "too_long": Word(409, N_("That text is too long: at most %(limit)s characters.")),
    # The cart and what was placed.
    "no_such_line": Word(409, N_("This dish is not in the order any more.")),
    "already_placed": Word(409, N_("%(item)s has gone to the kitchen already. Please ask the staff to change it.")),
    "nothing_to_place": Word(409, N_("There is nothing new to send: the order has gone to the kitchen already.")),
    "cart_changed": Word(409, N_("The order has changed: %(items)s. Please look again before you send it.")),
    "not_held": Word(409, N_("Nothing is waiting to be fired: it is being made already.")),
    "too_late": Word(409, N_("This can't be brought back any more. Please choose it again.")),
    "colour_taken": Word(409, N_("Somebody else at the table has this colour.")),
    "no_such_choice": Word(409, N_("This choice does not exist any more. Please open the page again.")),
    "not_split_so": Word(409, N_("The bill is not shared by dishes now.")),
    "already_called": Word(409, N_("The staff know already and are on their way.")),
    # The staff's work.
    "too_late_back": Word(409, N_("This code has expired. Please ask the waiter for a new one.")),
    "frozen": Word(409, N_("Ordering is stopped at this table for the moment. Please call a waiter.")),
    "not_opened": Word(409, N_("This table is not open yet. Please tell a waiter that you are here.")),
    "pin_needed": Word(
        409, N_("Please enter the table's PIN under “You”: those who sit here, or a waiter, can tell you.")
    ),
    "no_such_ticket": Word(409, N_("This ticket is not on the display any more.")),
    "paused": Word(
        409, N_("The kitchen is catching its breath. What you chose stays here: please try again in a few minutes.")
    ),
    "slow_dish": Word(409, N_("%(item)s takes long, and the kitchen is full right now. Please choose another dish.")),
    "allergy_first": Word(
        409, N_("%(item)s: somebody with an allergy eats this. Please acknowledge it on the ticket first.")
    ),
    "look_again": Word(409, N_("This ticket has changed just now. Please read it once more.")),
    "nothing_printed": Word(409, N_("Nothing of this ticket is on paper yet: it is printed as soon as a printer can.")),
    "no_such_printer": Word(409, N_("There is no such printer. Please open the page again.")),
    "no_such_bill": Word(409, N_("This bill was closed too long ago to be printed here: open it as a PDF instead.")),
    "no_such_station": Word(409, N_("There is no such station. Please open the page again.")),
    "bad_address": Word(
        409, N_("That is no address of a printer: it looks like 192.168.1.50, or like a name in your network.")
    ),
    "nothing_to_print": Word(409, N_("It has nothing to print: choose a station, or receipts.")),
    "printer_trouble": Word(409, N_("The printer does not print: %(why)s.")),
    "no_such_call": Word(409, N_("This call is done already.")),
    "reason_needed": Word(409, N_("Please give a reason: it stands in the record.")),
    "same_table": Word(409, N_("That is the same table. Please choose another.")),
    "table_taken": Word(409, N_("Somebody sits at that table. Choose a free one, or merge the two.")),
    "you_moved": Word(409, N_("You have moved to another table. Please open the page again.")),
    "nothing_to_part": Word(409, N_("Choose some of the dishes or guests: all of them would be a move.")),
    "discount_first": Word(409, N_("Take the discount off the whole bill first, and give it again afterwards.")),
    "too_late_to_reopen": Word(409, N_("A bill can be opened again for an hour after it was closed.")),
    "not_that_much": Word(409, N_("That is not possible: there are %(left)s left.")),
    "no_such_payment": Word(409, N_("There is no such payment on this bill.")),
    "too_little_given": Word(409, N_("That is too little: %(amount)s are due.")),
    "refund_first": Word(409, N_("Too much would have been paid: give %(amount)s back first.")),
    "wrong_state": Word(409, N_("%(item)s is %(state)s already.")),
    "not_your_role": Word(403, N_("Your account (%(role)s) can't do that: please ask a manager.")),
    "wrong_pin": Word(403, N_("That PIN is wrong.")),
    "wait": Word(429, N_("Too many wrong PINs: please wait %(minutes)s minutes, or log in with a password.")),
    "wrong_often": Word(429, N_("Too many wrong passwords. Please wait a few minutes.")),
    "no_such_account": Word(409, N_("There is no such account.")),
    "name_needed": Word(409, N_("Please give a name.")),
    "name_taken": Word(409, N_("Somebody else is called that already.")),
    "last_manager": Word(409, N_("That would leave nobody who may manage: there must be a manager with a password.")),
    "no_secret": Word(409, N_("Please give a password or a PIN.")),
    "weak_password": Word(409, N_("A password has %(least)s to %(most)s characters.")),
    "easy_password": Word(409, N_("That password is guessed at once: please take another.")),
    "bad_pin": Word(409, N_("A PIN has 4 to 8 digits.")),
    "weak_pin": Word(409, N_("That PIN is guessed at once: please take other digits.")),
    "wrong_password": Word(403, N_("That password is wrong.")),
}
