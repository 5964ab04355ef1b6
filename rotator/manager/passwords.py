"""GetRandomPassword."""

import string
from collections.abc import Callable
from dataclasses import dataclass

from rotator.errors import InvalidParameter
from rotator.manager import limits
from rotator.manager.call import Call
from rotator.manager.operations import Operations
from rotator.manager.refusals import audited
from rotator.model.caller import Caller
from rotator.sdk.passwords import chooser, draw

DEFAULT_LENGTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordRecipe:
    """What a random password is made of; the fields are the parameters of GetRandomPassword.

    Attributes:
        length: characters.
        exclude_characters: those that must not appear.
        include_space: a space may appear; it is no type, so none is required.
        require_each_included_type: at least one character of each type of which any is left.
    """

    length: int = DEFAULT_LENGTH
    exclude_characters: str = ""
    exclude_numbers: bool = False
    exclude_punctuation: bool = False
    exclude_uppercase: bool = False
    exclude_lowercase: bool = False
    include_space: bool = False
    require_each_included_type: bool = True

    def types(self) -> tuple[str, ...]:
        """The characters of each type that is included: those that are not excluded one by one."""
        types = (
            (string.ascii_lowercase, self.exclude_lowercase),
            (string.ascii_uppercase, self.exclude_uppercase),
            (string.digits, self.exclude_numbers),
            (string.punctuation, self.exclude_punctuation),
        )
        left = (self._without_excluded(members) for members, excluded in types if not excluded)
        return tuple(filter(None, left))

    def make(self, choose: Callable[[str], str]) -> str:
        """A password; each that fits is as likely as any other.

        Args:
            choose: picks one character of a string, each with the same chance.

        Raises:
            InvalidParameter: no password fits.
        """
        types = self.types()
        space = self._without_excluded(" ") if self.include_space else ""
        alphabet = "".join(types) + space
        required = types if self.require_each_included_type else ()
        if not alphabet:
            raise InvalidParameter(
                "There is no character left to make a password of: every type is excluded. Exclude fewer characters."
            )
        if self.length < len(required):
            raise InvalidParameter("Password length is too short based on the required types.")
        return draw(alphabet, length=self.length, required=required, choose=choose)

    def _without_excluded(self, members: str) -> str:
        return "".join(sorted(set(members) - set(self.exclude_characters)))


class Passwords(Operations):
    """How passwords are made for those who ask for one."""

    @audited("GetRandomPassword")
    def get_random_password(
        self,
        *,
        caller: Caller,
        request_id: str,
        recipe: PasswordRecipe | None = None,
    ) -> str:
        """A random password; nothing of it is kept.

        Args:
            recipe: what it is made of; the default is 32 characters of all four types.

        Raises:
            InvalidParameter: no password fits.
            ValidationError: a parameter is out of its limits.
        """
        recipe = recipe or PasswordRecipe()
        limits.check(
            "GetRandomPassword",
            PasswordLength=recipe.length,
            ExcludeCharacters=recipe.exclude_characters,
        )
        password = recipe.make(chooser())
        call = Call(event="GetRandomPassword", caller=caller, request_id=request_id)
        with self._store.read() as tx:
            call.permit(tx, account=caller.account, region=caller.region)
            call.record(tx, None)
        return password
